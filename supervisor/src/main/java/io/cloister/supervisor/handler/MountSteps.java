// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallProgram;
import java.util.Set;

/**
 * Steps that mount by descriptor: a tree is opened once, given its attributes while it is attached
 * nowhere, and then moved to its place. See mount_setattr(2) and move_mount(2).
 */
final class MountSteps {
    private MountSteps() {}

    static Step openTree(SyscallProgram.Builder b, String name, String subject, String source) {
        return b.call(
                name,
                subject,
                Sys.OPEN_TREE,
                Arg.AT_FDCWD,
                b.string(source).address(),
                Arg.of(
                        Integer.toUnsignedLong(
                                Linux.OPEN_TREE_CLONE
                                        | Linux.OPEN_TREE_CLOEXEC
                                        | Linux.AT_RECURSIVE)));
    }

    static void setAttributes(
            SyscallProgram.Builder b, String name, String subject, Step mount, int attributes) {
        Data attr = b.reserve(Linux.mount_attr_SIZE);
        b.putLong(attr, Linux.mount_attr_attr_set, attributes);
        b.call(
                name,
                subject,
                Sys.MOUNT_SETATTR,
                mount.result(),
                b.string("").address(),
                Arg.of(Linux.AT_EMPTY_PATH | Linux.AT_RECURSIVE),
                attr.address(),
                Arg.of(Linux.mount_attr_SIZE));
    }

    static void moveMount(
            SyscallProgram.Builder b, String name, String subject, Step mount, String target) {
        b.call(
                name,
                subject,
                Sys.MOVE_MOUNT,
                mount.result(),
                b.string("").address(),
                Arg.AT_FDCWD,
                b.string(target).address(),
                Arg.of(Linux.MOVE_MOUNT_F_EMPTY_PATH));
    }

    static void makeDirectories(SyscallProgram.Builder b, Set<String> made, String directory) {
        if (!made.add(directory)) {
            return;
        }
        makeDirectories(b, made, parent(directory));
        b.call(
                        "make directory",
                        directory,
                        Sys.MKDIRAT,
                        Arg.AT_FDCWD,
                        b.string(directory).address(),
                        Arg.of(0755))
                .ignoring(Errno.EEXIST);
    }

    static void makeFile(SyscallProgram.Builder b, String path) {
        b.call(
                        "make mount point",
                        path,
                        Sys.MKNODAT,
                        Arg.AT_FDCWD,
                        b.string(path).address(),
                        Arg.of(Linux.S_IFREG | 0644),
                        Arg.ZERO)
                .ignoring(Errno.EEXIST);
    }

    static String parent(String path) {
        int slash = path.lastIndexOf('/');
        return slash <= 0 ? "/" : path.substring(0, slash);
    }
}
