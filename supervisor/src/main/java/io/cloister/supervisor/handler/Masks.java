// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.BadReplyException;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.Structs;
import io.cloister.nativeio.program.SyscallFailure;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.MaskPath;
import io.cloister.protocol.container.Mount;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Hides paths: a file behind /dev/null, a directory behind an empty read-only one; a missing path
 * needs nothing. Which of them a path is must be known first: a mount that does not fit costs the
 * kernel, when it takes it back, as much as twenty that do (namespace_unlock waits for RCU).
 */
final class Masks {
    /** Where the mount of /dev/null waits when the container has none of its own. */
    private static final String STAGE = "/.null";

    private final List<Step> looks;
    private final Data stats;

    private Masks(List<Step> looks, Data stats) {
        this.looks = looks;
        this.stats = stats;
    }

    /** Where in the container /dev/null is by its configuration. */
    private static Optional<String> ownNullDevice(ContainerConfig config) {
        return config.mounts().stream()
                .filter(Mount.Bind.class::isInstance)
                .map(Mount.Bind.class::cast)
                .filter(bind -> bind.source().equals("/dev/null"))
                .filter(bind -> bind.devices() && !bind.optional())
                .map(Mount.Bind::target)
                .findFirst();
    }

    /** Appends, before the root is changed, what masks need of the host. */
    static Optional<Step> openNullDevice(SyscallProgram.Builder b, ContainerConfig config) {
        return config.maskPaths().isEmpty() || ownNullDevice(config).isPresent()
                ? Optional.empty()
                : Optional.of(MountSteps.openTree(b, "mask with", "/dev/null", "/dev/null"));
    }

    /** Appends, in the new root, what they need there. */
    static void placeNullDevice(SyscallProgram.Builder b, Step tree) {
        MountSteps.makeFile(b, STAGE);
        MountSteps.setAttributes(
                b,
                "mask with",
                "/dev/null",
                tree,
                Linux.MOUNT_ATTR_NOSUID | Linux.MOUNT_ATTR_NOEXEC);
        MountSteps.moveMount(b, "mask with", "/dev/null", tree, STAGE);
    }

    /**
     * Appends steps that look at the paths in the root that init is in, and asks for what they see
     * in the reply.
     */
    static Masks look(SyscallProgram.Builder b, ContainerConfig config) {
        List<MaskPath> paths = config.maskPaths();
        List<Step> looks = new ArrayList<>();
        Data stats = b.reserve(paths.size() * Linux.stat_SIZE);
        for (MaskPath mask : paths) {
            looks.add(
                    b.call(
                                    "mask",
                                    mask.path(),
                                    Sys.NEWFSTATAT,
                                    Arg.AT_FDCWD,
                                    b.string(mask.path()).address(),
                                    stats.address(looks.size() * Linux.stat_SIZE),
                                    Arg.ZERO)
                            .continuing());
        }
        b.reply(stats);
        return new Masks(looks, stats);
    }

    /** What the steps of {@link #look} saw, path by path. */
    List<PathKind> seen(SyscallProgram program, ProgramResult result) throws BadReplyException {
        ByteBuffer bytes = result.bytes(program, stats);
        List<PathKind> kinds = new ArrayList<>();
        for (int i = 0; i < looks.size(); i++) {
            kinds.add(
                    result.of(looks.get(i)) < 0
                            ? PathKind.MISSING
                            : PathKind.of(Structs.Stat.read(bytes, i * Linux.stat_SIZE)));
        }
        return kinds;
    }

    /** The first look that failed otherwise than by finding nothing. */
    Optional<SyscallFailure> failure(ProgramResult result) {
        return looks.stream()
                .map(result::failureOf)
                .flatMap(Optional::stream)
                .filter(failure -> !isMissing(failure.errno()))
                .findFirst();
    }

    /** ENOTDIR: a file stands where a directory on the way should be. */
    private static boolean isMissing(Errno errno) {
        return errno.equals(Errno.ENOENT) || errno.equals(Errno.ENOTDIR);
    }

    /**
     * Appends the steps that hide the paths.
     *
     * @param kinds what they are, path by path
     */
    static void hide(SyscallProgram.Builder b, ContainerConfig config, List<PathKind> kinds) {
        List<MaskPath> paths = config.maskPaths();
        String nullDevice = ownNullDevice(config).orElse(STAGE);
        for (int i = 0; i < paths.size(); i++) {
            hide(b, paths.get(i).path(), kinds.get(i), nullDevice);
        }
        if (nullDevice.equals(STAGE) && !paths.isEmpty()) {
            // what was mounted there lives on where it was bound to
            Arg stage = b.string(STAGE).address();
            b.call("unmount", STAGE, Sys.UMOUNT2, stage, Arg.of(Linux.MNT_DETACH));
            b.call("remove", STAGE, Sys.UNLINKAT, Arg.AT_FDCWD, stage, Arg.ZERO);
        }
    }

    private static void hide(
            SyscallProgram.Builder b, String path, PathKind kind, String nullDevice) {
        switch (kind) {
            case MISSING -> {}
            case DIRECTORY ->
                    b.call(
                            "mask",
                            path,
                            Sys.MOUNT,
                            b.string("tmpfs").address(),
                            b.string(path).address(),
                            b.string("tmpfs").address(),
                            Arg.of(
                                    Linux.MS_RDONLY
                                            | Linux.MS_NOSUID
                                            | Linux.MS_NODEV
                                            | Linux.MS_NOEXEC),
                            b.string("size=4k,nr_inodes=1,mode=0555").address());
            case FILE ->
                    b.call(
                            "mask",
                            path,
                            Sys.MOUNT,
                            b.string(nullDevice).address(),
                            b.string(path).address(),
                            Arg.ZERO,
                            Arg.of(Linux.MS_BIND),
                            Arg.ZERO);
        }
    }
}
