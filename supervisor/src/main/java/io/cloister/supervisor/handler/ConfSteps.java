// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.container.SymbolicLink;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The steps of conf that make a container's file system and names.
 *
 * <p>The order matters. Sources are opened first, each once, while init is the host's user still
 * and may pass the directories above them, and are mounted by descriptor: nobody can swap one for a
 * symbolic link in between. Then init becomes container root and pivots into an empty tmpfs, and
 * everything else happens inside, where no path leads back to the host.
 */
final class ConfSteps {
    /** Where the root is mounted for the moment between mount and pivot_root: on any directory. */
    private static final String STAGE = "/proc";

    private static final long ROOT_INODES = 4096;

    /** Opened, and attached nowhere yet. */
    private record Source(Step tree, PathKind kind) {}

    private final SyscallProgram.Builder b;
    private final ContainerConfig config;
    private final boolean singleId;

    /**
     * Steps to be appended to a program.
     *
     * @param config as it is to be applied: with the ids that the container has
     * @param singleId whether that is one only
     */
    ConfSteps(SyscallProgram.Builder b, ContainerConfig config, boolean singleId) {
        this.b = b;
        this.config = config;
        this.singleId = singleId;
    }

    /** What a configuration needs of the host, in its order. */
    static List<Mount.Bind> binds(ContainerConfig config) {
        return config.mounts().stream()
                .filter(Mount.Bind.class::isInstance)
                .map(Mount.Bind.class::cast)
                .toList();
    }

    static String describe(Mount.Bind bind) {
        return bind.source() + " on " + bind.target();
    }

    /**
     * All but what hides and protects.
     *
     * @param sources what the sources of the {@link #binds} are
     */
    void makeFileSystem(List<PathKind> sources) {
        Map<Mount.Bind, Source> opened = new HashMap<>();
        List<Mount.Bind> binds = binds(config);
        for (int i = 0; i < binds.size(); i++) {
            Mount.Bind bind = binds.get(i);
            PathKind kind = sources.get(i);
            if (kind != PathKind.MISSING) {
                Step tree = MountSteps.openTree(b, "bind", describe(bind), bind.source());
                opened.put(bind, new Source(tree, kind));
            }
        }
        Optional<Step> nullDevice = Masks.openNullDevice(b, config);
        becomeContainerRoot();
        b.call(
                "make mounts private",
                "/",
                Sys.MOUNT,
                Arg.ZERO,
                b.string("/").address(),
                Arg.ZERO,
                Arg.of(Integer.toUnsignedLong(Linux.MS_REC | Linux.MS_PRIVATE)),
                Arg.ZERO);
        Step proc = openProc();
        pivot();

        Set<String> made = new HashSet<>(Set.of("/"));
        for (Mount mount : config.mounts()) {
            switch (mount) {
                case Mount.Bind bind -> {
                    Source source = opened.get(bind);
                    if (source != null) {
                        bind(made, bind, source);
                    }
                }
                case Mount.Tmpfs tmpfs -> {
                    MountSteps.makeDirectories(b, made, tmpfs.target());
                    TmpfsMounts.mount(b, tmpfs);
                }
                case Mount.Proc(String target, boolean readOnly) -> {
                    MountSteps.makeDirectories(b, made, target);
                    if (readOnly) {
                        MountSteps.setAttributes(
                                b, "protect", target, proc, Linux.MOUNT_ATTR_RDONLY);
                    }
                    MountSteps.moveMount(b, "mount proc on", target, proc, target);
                }
            }
        }
        for (SymbolicLink link : config.symbolicLinks()) {
            MountSteps.makeDirectories(b, made, MountSteps.parent(link.link()));
            b.call(
                    "link",
                    link.link() + " to " + link.target(),
                    Sys.SYMLINKAT,
                    b.string(link.target()).address(),
                    Arg.AT_FDCWD,
                    b.string(link.link()).address());
        }
        name("host name", Sys.SETHOSTNAME, config.hostName());
        name("domain name", Sys.SETDOMAINNAME, config.domainName());
        nullDevice.ifPresent(tree -> Masks.placeNullDevice(b, tree));
    }

    /** Until here init has the ids of the worker's user, which mean nothing in its namespace. */
    private void becomeContainerRoot() {
        b.call("become group", "0", Sys.SETRESGID, Arg.ZERO, Arg.ZERO, Arg.ZERO);
        b.call("become user", "0", Sys.SETRESUID, Arg.ZERO, Arg.ZERO, Arg.ZERO);
        if (!singleId) { // setgroups(2) is denied where only one id is mapped
            b.call("drop supplementary groups", "", Sys.SETGROUPS, Arg.ZERO, Arg.ZERO);
        }
    }

    /**
     * The container's own proc, not yet mounted anywhere, with its one setting: no user namespaces
     * inside (namespaces/user, sysctl/user.rst), a second wall behind the seccomp filter.
     */
    private Step openProc() {
        Step context =
                b.call(
                        "open file system",
                        "proc",
                        Sys.FSOPEN,
                        b.string("proc").address(),
                        Arg.of(Linux.FSOPEN_CLOEXEC));
        b.call(
                "create file system",
                "proc",
                Sys.FSCONFIG,
                context.result(),
                Arg.of(Linux.FSCONFIG_CMD_CREATE),
                Arg.ZERO,
                Arg.ZERO,
                Arg.ZERO);
        int attributes = Linux.MOUNT_ATTR_NOSUID | Linux.MOUNT_ATTR_NODEV | Linux.MOUNT_ATTR_NOEXEC;
        Step proc =
                b.call(
                        "prepare mount of",
                        "proc",
                        Sys.FSMOUNT,
                        context.result(),
                        Arg.of(Linux.FSMOUNT_CLOEXEC),
                        Arg.of(attributes));
        String setting = "sys/user/max_user_namespaces";
        Step file =
                b.call(
                        "forbid user namespaces",
                        setting,
                        Sys.OPENAT,
                        proc.result(),
                        b.string(setting).address(),
                        Arg.of(Linux.O_WRONLY | Linux.O_CLOEXEC));
        b.call(
                "forbid user namespaces",
                setting,
                Sys.WRITE,
                file.result(),
                b.string("0").address(),
                Arg.of(1));
        // a mount with a file open for writing cannot be made read-only
        b.call("forbid user namespaces", setting, Sys.CLOSE, file.result());
        return proc;
    }

    private void pivot() {
        String options =
                "size=%d,nr_inodes=%d,mode=0755".formatted(config.rootSize().bytes(), ROOT_INODES);
        b.call(
                "mount root",
                "tmpfs",
                Sys.MOUNT,
                b.string("tmpfs").address(),
                b.string(STAGE).address(),
                b.string("tmpfs").address(),
                Arg.of(Linux.MS_NOSUID | Linux.MS_NODEV),
                b.string(options).address());
        b.call("enter new root", "", Sys.CHDIR, b.string(STAGE).address());
        Arg dot = b.string(".").address();
        // pivot_root(2), NOTES: with both on the same directory the old root ends up on top of the
        // new one, and needs no directory of its own
        b.call("pivot root", "", Sys.PIVOT_ROOT, dot, dot);
        b.call("detach old root", "", Sys.UMOUNT2, dot, Arg.of(Linux.MNT_DETACH));
        b.call("enter root", "/", Sys.CHDIR, b.string("/").address());
    }

    private void bind(Set<String> made, Mount.Bind bind, Source source) {
        if (source.kind() == PathKind.DIRECTORY) {
            MountSteps.makeDirectories(b, made, bind.target());
        } else {
            MountSteps.makeDirectories(b, made, MountSteps.parent(bind.target()));
            MountSteps.makeFile(b, bind.target());
        }
        int attributes = Linux.MOUNT_ATTR_NOSUID;
        if (!bind.devices()) {
            attributes |= Linux.MOUNT_ATTR_NODEV;
        }
        if (bind.readOnly()) {
            attributes |= Linux.MOUNT_ATTR_RDONLY;
        }
        MountSteps.setAttributes(b, "bind", describe(bind), source.tree(), attributes);
        MountSteps.moveMount(b, "bind", describe(bind), source.tree(), bind.target());
    }

    private void name(String name, Sys sys, String value) {
        int length = value.getBytes(StandardCharsets.UTF_8).length;
        b.call("set " + name, value, sys, b.string(value).address(), Arg.of(length));
    }

    /** After the masks: nothing of the file system changes any more. */
    void protect() {
        protectRoot();
        b.call(
                "enter work directory",
                config.workDirectory(),
                Sys.CHDIR,
                b.string(config.workDirectory()).address());
    }

    /** The whole file system, not this mount of it alone. */
    private void protectRoot() {
        b.call(
                "make root read-only",
                "/",
                Sys.MOUNT,
                Arg.ZERO,
                b.string("/").address(),
                Arg.ZERO,
                Arg.of(
                        Integer.toUnsignedLong(
                                Linux.MS_REMOUNT
                                        | Linux.MS_RDONLY
                                        | Linux.MS_NOSUID
                                        | Linux.MS_NODEV)),
                Arg.ZERO);
    }
}
