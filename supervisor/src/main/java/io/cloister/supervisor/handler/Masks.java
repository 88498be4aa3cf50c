// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallFailure;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.container.MaskPath;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Hides paths: a file behind /dev/null, a directory behind an empty read-only one. */
final class Masks {
    private static final String NULL_MASK = "/.null";
    private static final String EMPTY_MASK = "/.empty";

    private Masks() {}

    /**
     * One masked path: a file is hidden by /dev/null, a directory by an empty one, and what is
     * neither is missing. Both are tried, since which it is shows only then.
     */
    record Mask(Step asFile, Step asDirectory) {
        Optional<SyscallFailure> failure(ProgramResult result) {
            Errno file = Errno.ofResult(result.of(asFile));
            Errno directory = Errno.ofResult(result.of(asDirectory));
            boolean hidden =
                    (file.equals(Errno.NONE) && directory.equals(Errno.ENOTDIR))
                            || (file.equals(Errno.ENOTDIR) && directory.equals(Errno.NONE));
            boolean missing = file.equals(Errno.ENOENT) && directory.equals(Errno.ENOENT);
            // a component of the path is a file: there is nothing to hide
            boolean nowhere = file.equals(Errno.ENOTDIR) && directory.equals(Errno.ENOTDIR);
            return hidden || missing || nowhere
                    ? Optional.empty()
                    : result.failureOf(asFile).or(() -> result.failureOf(asDirectory));
        }
    }

    /**
     * Appends the steps that mask paths in the root that init is in.
     *
     * @param nullDevice a copy of the mount of /dev/null, attached nowhere
     */
    static List<Mask> mask(SyscallProgram.Builder b, List<MaskPath> paths, Step nullDevice) {
        List<Mask> masks = new ArrayList<>();
        if (paths.isEmpty()) {
            return masks;
        }
        MountSteps.makeFile(b, NULL_MASK);
        MountSteps.setAttributes(
                b,
                "mask with",
                "/dev/null",
                nullDevice,
                Linux.MOUNT_ATTR_NOSUID | Linux.MOUNT_ATTR_NOEXEC);
        MountSteps.moveMount(b, "mask with", "/dev/null", nullDevice, NULL_MASK);
        MountSteps.makeDirectories(b, new HashSet<>(Set.of("/")), EMPTY_MASK);
        b.call(
                "mask with",
                "an empty directory",
                Sys.MOUNT,
                b.string("tmpfs").address(),
                b.string(EMPTY_MASK).address(),
                b.string("tmpfs").address(),
                Arg.of(Linux.MS_RDONLY | Linux.MS_NOSUID | Linux.MS_NODEV | Linux.MS_NOEXEC),
                b.string("size=4k,nr_inodes=1,mode=0555").address());
        for (MaskPath mask : paths) {
            masks.add(
                    new Mask(
                            bindOver(b, NULL_MASK, mask.path()),
                            bindOver(b, EMPTY_MASK, mask.path())));
        }
        removeMountPoint(b, NULL_MASK, 0);
        removeMountPoint(b, EMPTY_MASK, Linux.AT_REMOVEDIR);
        return masks;
    }

    /** What was mounted there lives on where it was bound to. */
    private static void removeMountPoint(SyscallProgram.Builder b, String path, int flags) {
        b.call("unmount", path, Sys.UMOUNT2, b.string(path).address(), Arg.of(Linux.MNT_DETACH));
        b.call("remove", path, Sys.UNLINKAT, Arg.AT_FDCWD, b.string(path).address(), Arg.of(flags));
    }

    private static Step bindOver(SyscallProgram.Builder b, String from, String path) {
        return b.call(
                        "mask",
                        path,
                        Sys.MOUNT,
                        b.string(from).address(),
                        b.string(path).address(),
                        Arg.ZERO,
                        Arg.of(Linux.MS_BIND),
                        Arg.ZERO)
                .continuing();
    }
}
