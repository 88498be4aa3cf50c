// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.Structs.Stat;
import io.cloister.nativeio.program.Structs.StatFs;
import io.cloister.nativeio.program.SyscallFailure;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.ResetDone;
import io.cloister.protocol.message.ResetReply;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Brings a container back to how conf left it, and shows that it is.
 *
 * <p>A first program ends every process, leaves the IPC namespace behind with all System V objects
 * and POSIX queues in it, and looks at each tmpfs. One that was used is not emptied but replaced:
 * what was in it goes with it, whatever names, depths and attributes it had. A second program does
 * that, and looks again. What does not look as new then dooms the container. Judges use the same
 * directories run after run, so one that was used when it was reset last is replaced at once, by
 * the first program.
 *
 * <p>A tmpfs with other mounts inside is always replaced, since a look at it cannot tell the
 * directories of mount points from a program's; its inner mounts are carried over by descriptor.
 */
public final class ResetHandler {
    /** Room for the names of attributes that security modules give every directory. */
    private static final int XATTR_NAMES = 64;

    private static final int STATFS_AT = Stat.SIZE;
    private static final int XATTR_AT = STATFS_AT + StatFs.SIZE;
    private static final int LOOK_SIZE = XATTR_AT + XATTR_NAMES;

    private final ContainerConfig config;
    private final Consumer<Set<Mount.Tmpfs>> habit;
    private final List<Mount.Tmpfs> all;

    /** The mounts right inside each tmpfs that has any. */
    private final Map<Mount.Tmpfs, List<Mount>> inner = new LinkedHashMap<>();

    /** Steps that look at one tmpfs, and where in the reply they leave what they saw. */
    private record Look(Mount.Tmpfs tmpfs, Step open, Step fs, Step xattrs, int at) {}

    /** Steps that look at a mount inside a tmpfs. */
    private record InnerLook(Mount.Tmpfs tmpfs, Mount mount, Step open, int at) {}

    /** A mount to carry over from an old tmpfs into the new one. */
    private record Carried(Mount mount, boolean directory) {}

    private ResetHandler(ContainerConfig config, Consumer<Set<Mount.Tmpfs>> habit) {
        this.config = config;
        this.habit = habit;
        this.all =
                config.mounts().stream()
                        .filter(Mount.Tmpfs.class::isInstance)
                        .map(Mount.Tmpfs.class::cast)
                        .toList();
        for (Mount mount : config.mounts()) {
            if (around(mount).orElse(null) instanceof Mount.Tmpfs tmpfs) {
                inner.computeIfAbsent(tmpfs, any -> new ArrayList<>()).add(mount);
            }
        }
    }

    /**
     * Begins to reset; no program runs.
     *
     * @param config as it was applied, see {@link ContainerContext}
     */
    public static Exchange<ResetReply> start(ContainerConfig config) {
        return start(config, true, Set.of(), used -> {});
    }

    /**
     * Begins to reset; no program runs.
     *
     * @param config as it was applied, see {@link ContainerContext}
     * @param programsRan whether any has run since conf or the last reset, the init command
     *     included: nobody else can have made IPC objects, and a new namespace takes 25 to 60 µs
     * @param expected to have been used, as the last reset found: replaced before anybody asks
     * @param habit is told which were used this time
     */
    public static Exchange<ResetReply> start(
            ContainerConfig config,
            boolean programsRan,
            Set<Mount.Tmpfs> expected,
            Consumer<Set<Mount.Tmpfs>> habit) {
        return new ResetHandler(config, habit).look(programsRan, expected);
    }

    /** The mount that a mount's target lies on, unless that is the root. */
    private Optional<Mount> around(Mount mount) {
        return config.mounts().stream()
                .filter(other -> !other.equals(mount))
                .filter(other -> ContainerPath.holds(other.target(), mount.target()))
                .max(Comparator.comparingInt(other -> other.target().length()));
    }

    // ---- the look ---------------------------------------------------------------------------

    /** Whether it is neither around another mount nor inside another tmpfs. */
    private boolean standsAlone(Mount.Tmpfs tmpfs) {
        return !inner.containsKey(tmpfs)
                && inner.values().stream().noneMatch(mounts -> mounts.contains(tmpfs));
    }

    private Exchange<ResetReply> look(boolean programsRan, Set<Mount.Tmpfs> expected) {
        SyscallProgram.Builder b = SyscallProgram.named("reset");
        Processes.killAll(b);
        Processes.reapAll(b);
        // Without a look: POSIX queues can be counted nowhere but in a mount of their file system,
        // and to look costs more than to leave.
        if (programsRan) {
            b.call("leave IPC namespace", "", Sys.UNSHARE, Arg.of(Linux.CLONE_NEWIPC));
            SessionKeyring.join(b);
            // Closing one has the kernel look for sockets that are queued in themselves, with the
            // files queued in them: nothing else does, and their memory would stay (unix(7)).
            Step socket =
                    b.call(
                            "make",
                            "socket",
                            Sys.SOCKET,
                            Arg.of(Linux.AF_UNIX),
                            Arg.of(Linux.SOCK_DGRAM),
                            Arg.ZERO);
            b.call("close", "socket", Sys.CLOSE, socket.result());
        }
        Lookup lookup = new Lookup(b);
        int innerMounts = inner.values().stream().mapToInt(List::size).sum();
        List<Mount.Tmpfs> first =
                all.stream().filter(expected::contains).filter(this::standsAlone).toList();
        int innerAt = (first.size() + all.size()) * LOOK_SIZE;
        Data seen = b.reserve(innerAt + innerMounts * Stat.SIZE);
        List<Look> before = look(b, lookup, first, seen, 0);
        if (!first.isEmpty()) {
            Map<Mount.Tmpfs, List<Carried>> alone = new LinkedHashMap<>();
            first.forEach(tmpfs -> alone.put(tmpfs, List.of()));
            replace(b, lookup, alone);
        }
        List<Look> looks = look(b, lookup, all, seen, first.size() * LOOK_SIZE);
        List<InnerLook> innerLooks = new ArrayList<>();
        inner.forEach((tmpfs, mounts) -> {
            for (Mount mount : mounts) {
                int at = innerAt + innerLooks.size() * Stat.SIZE;
                innerLooks.add(look(b, lookup, tmpfs, mount, seen, at));
            }
        });
        b.reply(seen);
        SyscallProgram program = b.build();
        return Exchange.run(
                program,
                ResetHandler::doomed,
                result -> judge(result, result.bytes(program, seen), before, looks, innerLooks));
    }

    private static List<Look> look(
            SyscallProgram.Builder b,
            Lookup lookup,
            Collection<Mount.Tmpfs> which,
            Data seen,
            int at) {
        List<Look> looks = new ArrayList<>();
        for (Mount.Tmpfs tmpfs : which) {
            looks.add(look(b, lookup, tmpfs, seen, at + looks.size() * LOOK_SIZE));
        }
        return looks;
    }

    private static Look look(
            SyscallProgram.Builder b, Lookup lookup, Mount.Tmpfs tmpfs, Data seen, int at) {
        String target = tmpfs.target();
        Step open = lookup.open("look at", new ContainerPath(target), Lookup.READ_DIRECTORY, 0);
        b.call("look at", target, Sys.FSTAT, open.result(), seen.address(at));
        Step fs =
                b.call("look at", target, Sys.FSTATFS, open.result(), seen.address(at + STATFS_AT));
        // more names than there is room for are ERANGE: not as new
        Step xattrs =
                b.call(
                                "list attributes of",
                                target,
                                Sys.FLISTXATTR,
                                open.result(),
                                seen.address(at + XATTR_AT),
                                Arg.of(XATTR_NAMES))
                        .continuing();
        b.call("close", target, Sys.CLOSE, open.result());
        return new Look(tmpfs, open, fs, xattrs, at);
    }

    /** An optional mount may not be there. */
    private static InnerLook look(
            SyscallProgram.Builder b,
            Lookup lookup,
            Mount.Tmpfs tmpfs,
            Mount mount,
            Data seen,
            int at) {
        String target = mount.target();
        int flags = Linux.O_PATH | Linux.O_NOFOLLOW | Linux.O_CLOEXEC;
        Step open = lookup.open("look at", new ContainerPath(target), flags, 0).continuing();
        b.call("look at", target, Sys.FSTAT, open.result(), seen.address(at)).continuing();
        b.call("close", target, Sys.CLOSE, open.result()).continuing();
        return new InnerLook(tmpfs, mount, open, at);
    }

    private Exchange<ResetReply> judge(
            ProgramResult result,
            ByteBuffer seen,
            List<Look> before,
            List<Look> looks,
            List<InnerLook> innerLooks) {
        Set<Mount.Tmpfs> fresh = new HashSet<>();
        Set<Mount.Tmpfs> found = new HashSet<>();
        for (Look look : before) {
            fresh.add(look.tmpfs());
            if (residue(result, seen, look, 1).isPresent()) {
                found.add(look.tmpfs());
            }
        }
        Map<Mount.Tmpfs, List<Carried>> used = new LinkedHashMap<>();
        Map<Mount.Tmpfs, Stat> stats = new LinkedHashMap<>();
        for (Look look : looks) {
            stats.put(look.tmpfs(), Stat.read(seen, look.at()));
            Optional<String> residue = residue(result, seen, look, 1);
            if (residue.isPresent() && fresh.contains(look.tmpfs())) {
                return notAsNew(look.tmpfs(), residue.get());
            }
            if (inner.containsKey(look.tmpfs()) || residue.isPresent()) {
                used.put(look.tmpfs(), new ArrayList<>());
            }
        }
        int replaced = found.size();
        found.addAll(used.keySet());
        habit.accept(Set.copyOf(found));
        for (InnerLook look : innerLooks) {
            Optional<SyscallFailure> failure = result.failureOf(look.open());
            Stat stat = Stat.read(seen, look.at());
            Stat around = stats.get(look.tmpfs());
            boolean mounted =
                    failure.isEmpty() && around != null && stat.device() != around.device();
            if (mounted) {
                used.getOrDefault(look.tmpfs(), new ArrayList<>())
                        .add(new Carried(look.mount(), stat.isDirectory()));
            } else if (!(look.mount() instanceof Mount.Bind bind && bind.optional())) {
                return doomed(
                        Failure.of(
                                Failure.Kind.INTERNAL,
                                look.mount().target(),
                                "a program has moved this mount away"));
            }
        }
        return used.isEmpty()
                ? new Exchange.Done<>(new ResetDone(replaced))
                : replace(used, replaced);
    }

    /** What is not as new about a tmpfs, in words. */
    private static Optional<String> residue(
            ProgramResult result, ByteBuffer seen, Look look, int ownInodes) {
        Mount.Tmpfs tmpfs = look.tmpfs();
        Stat stat = Stat.read(seen, look.at());
        StatFs fs = StatFs.read(seen, look.at() + STATFS_AT);
        if (fs.type() != Linux.TMPFS_MAGIC) {
            return Optional.of("it is no tmpfs");
        }
        if (fs.files() - fs.freeFiles() != ownInodes || fs.blocks() != fs.freeBlocks()) {
            return Optional.of(
                    "%d inodes and %d blocks are in use"
                            .formatted(fs.files() - fs.freeFiles(), fs.blocks() - fs.freeBlocks()));
        }
        if (stat.permissions() != tmpfs.mode()
                || stat.uid() != tmpfs.uid()
                || stat.gid() != tmpfs.gid()) {
            return Optional.of(
                    "its mode is %o and its owner %d:%d"
                            .formatted(stat.permissions(), stat.uid(), stat.gid()));
        }
        return hasAttributes(result.of(look.xattrs()), seen, look.at() + XATTR_AT)
                ? Optional.of("it has extended attributes")
                : Optional.empty();
    }

    /**
     * Whether there are attributes beside those of security modules, which programs without
     * capabilities cannot set (xattr(7)); access control lists are among them.
     */
    private static boolean hasAttributes(long length, ByteBuffer seen, int at) {
        if (length == -Linux.EOPNOTSUPP) { // a kernel without attributes on tmpfs
            return false;
        }
        if (length < 0 || length > XATTR_NAMES) {
            return true;
        }
        byte[] names = new byte[(int) length];
        seen.get(at, names);
        for (String name : new String(names, StandardCharsets.ISO_8859_1).split("\0")) {
            if (!name.isEmpty() && !name.startsWith("security.")) {
                return true;
            }
        }
        return false;
    }

    // ---- the replacement --------------------------------------------------------------------

    /** In the order of conf: a tmpfs inside another is carried over first, then replaced itself. */
    private Exchange<ResetReply> replace(Map<Mount.Tmpfs, List<Carried>> used, int replaced) {
        SyscallProgram.Builder b = SyscallProgram.named("reset used");
        Lookup lookup = new Lookup(b);
        Map<Mount.Tmpfs, Integer> inodes = replace(b, lookup, used);
        Data seen = b.reserve(used.size() * LOOK_SIZE);
        List<Look> looks = look(b, lookup, used.keySet(), seen, 0);
        b.reply(seen);
        SyscallProgram program = b.build();
        return Exchange.run(
                program,
                ResetHandler::doomed,
                result -> prove(result, result.bytes(program, seen), looks, inodes, replaced));
    }

    /** Returns how many inodes each of the new ones has. */
    private Map<Mount.Tmpfs, Integer> replace(
            SyscallProgram.Builder b, Lookup lookup, Map<Mount.Tmpfs, List<Carried>> used) {
        b.call("leave work directory", "", Sys.CHDIR, b.string("/").address());
        Map<Mount.Tmpfs, Integer> inodes = new LinkedHashMap<>();
        used.forEach((tmpfs, carried) -> inodes.put(tmpfs, replace(b, lookup, tmpfs, carried)));
        b.call(
                "enter work directory",
                config.workDirectory(),
                Sys.CHDIR,
                b.string(config.workDirectory()).address());
        return inodes;
    }

    /** Returns how many inodes the new one has: its root and what mount points need. */
    private static int replace(
            SyscallProgram.Builder b, Lookup lookup, Mount.Tmpfs tmpfs, List<Carried> carried) {
        String target = tmpfs.target();
        // From here on paths may be resolved plainly: no process is left to put a link into one,
        // and this shows that none is there.
        Step place = lookup.open("look at", new ContainerPath(target), Lookup.PLACE, 0);
        // or it would hold the old files, and their memory, until init has answered
        b.call("close", target, Sys.CLOSE, place.result());
        Map<Carried, Step> trees = new LinkedHashMap<>();
        for (Carried each : carried) {
            trees.put(each, openTree(b, each.mount().target()));
        }
        b.call(
                "unmount",
                target,
                Sys.UMOUNT2,
                b.string(target).address(),
                Arg.of(Linux.MNT_DETACH | Linux.UMOUNT_NOFOLLOW));
        TmpfsMounts.mount(b, tmpfs);
        Set<String> places = new LinkedHashSet<>();
        trees.forEach((each, tree) -> {
            makeMountPoint(b, target, each, places);
            b.call(
                    "mount again on",
                    each.mount().target(),
                    Sys.MOVE_MOUNT,
                    tree.result(),
                    b.string("").address(),
                    Arg.AT_FDCWD,
                    b.string(each.mount().target()).address(),
                    Arg.of(Linux.MOVE_MOUNT_F_EMPTY_PATH));
        });
        return 1 + places.size();
    }

    private static Step openTree(SyscallProgram.Builder b, String target) {
        int flags = Linux.OPEN_TREE_CLONE | Linux.OPEN_TREE_CLOEXEC | Linux.AT_RECURSIVE;
        return b.call(
                "keep mount on",
                target,
                Sys.OPEN_TREE,
                Arg.AT_FDCWD,
                b.string(target).address(),
                Arg.of(Integer.toUnsignedLong(flags | Linux.AT_SYMLINK_NOFOLLOW)));
    }

    private static void makeMountPoint(
            SyscallProgram.Builder b, String tmpfs, Carried carried, Set<String> places) {
        String target = carried.mount().target();
        for (int slash = target.indexOf('/', tmpfs.length() + 1);
                slash > 0;
                slash = target.indexOf('/', slash + 1)) {
            makeDirectory(b, target.substring(0, slash), places);
        }
        if (carried.directory()) {
            makeDirectory(b, target, places);
        } else if (places.add(target)) {
            b.call(
                    "make mount point",
                    target,
                    Sys.MKNODAT,
                    Arg.AT_FDCWD,
                    b.string(target).address(),
                    Arg.of(Linux.S_IFREG | 0444),
                    Arg.ZERO);
        }
    }

    private static void makeDirectory(
            SyscallProgram.Builder b, String directory, Set<String> places) {
        if (places.add(directory)) {
            b.call(
                    "make mount point",
                    directory,
                    Sys.MKDIRAT,
                    Arg.AT_FDCWD,
                    b.string(directory).address(),
                    Arg.of(0755));
        }
    }

    private static Exchange<ResetReply> prove(
            ProgramResult result,
            ByteBuffer seen,
            List<Look> looks,
            Map<Mount.Tmpfs, Integer> inodes,
            int replaced) {
        for (Look look : looks) {
            Optional<String> residue =
                    residue(result, seen, look, inodes.getOrDefault(look.tmpfs(), 1));
            if (residue.isPresent()) {
                return notAsNew(look.tmpfs(), residue.get());
            }
        }
        return new Exchange.Done<>(new ResetDone(replaced + looks.size()));
    }

    private static Exchange<ResetReply> notAsNew(Mount.Tmpfs tmpfs, String residue) {
        return doomed(
                Failure.of(
                        Failure.Kind.INTERNAL,
                        tmpfs.target(),
                        "not as new after a fresh mount: " + residue));
    }

    private static Exchange<ResetReply> doomed(SyscallFailure failure) {
        return doomed(Failures.of(failure));
    }

    private static Exchange<ResetReply> doomed(Failure failure) {
        return new Exchange.Doomed<>(failure, "reset failed: " + failure.describe());
    }
}
