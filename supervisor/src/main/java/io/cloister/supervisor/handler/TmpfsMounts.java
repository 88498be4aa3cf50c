// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.unit.ByteSize;
import java.util.Optional;
import java.util.OptionalInt;

/** How a container's tmpfs is mounted, the first time and after every reset: mount(2), tmpfs(5). */
final class TmpfsMounts {
    private TmpfsMounts() {}

    /** Mounts a tmpfs on its target, which exists. */
    static Step mount(SyscallProgram.Builder b, Mount.Tmpfs tmpfs) {
        return b.call(
                "mount tmpfs on",
                tmpfs.target(),
                Sys.MOUNT,
                b.string("tmpfs").address(),
                b.string(tmpfs.target()).address(),
                b.string("tmpfs").address(),
                Arg.of(flags(tmpfs)),
                b.string(options(tmpfs)).address());
    }

    /** Changes how much may be in a mounted one, to its own sizes where none are given. */
    static Step resize(
            SyscallProgram.Builder b,
            Mount.Tmpfs tmpfs,
            Optional<ByteSize> size,
            OptionalInt inodes) {
        String options =
                "size=%d,nr_inodes=%d"
                        .formatted(
                                size.orElse(tmpfs.size()).bytes(),
                                inodes.isPresent() ? inodes.getAsInt() : tmpfs.inodes());
        return b.call(
                "resize tmpfs on",
                tmpfs.target(),
                Sys.MOUNT,
                Arg.ZERO,
                b.string(tmpfs.target()).address(),
                Arg.ZERO,
                Arg.of(Linux.MS_REMOUNT | flags(tmpfs)),
                b.string(options).address());
    }

    private static int flags(Mount.Tmpfs tmpfs) {
        return Linux.MS_NOSUID | Linux.MS_NODEV | (tmpfs.noexec() ? Linux.MS_NOEXEC : 0);
    }

    /** Of parsed numbers only: no text of a configuration reaches the kernel's option parser. */
    private static String options(Mount.Tmpfs tmpfs) {
        return "size=%d,nr_inodes=%d,mode=%o,uid=%d,gid=%d"
                .formatted(
                        tmpfs.size().bytes(),
                        tmpfs.inodes(),
                        tmpfs.mode(),
                        tmpfs.uid(),
                        tmpfs.gid());
    }
}
