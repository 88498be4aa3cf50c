// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.init.IdMap;
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
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.container.SymbolicLink;
import io.cloister.protocol.message.ConfReply;
import io.cloister.protocol.message.Configured;
import io.cloister.protocol.message.Failure;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Turns a fresh init into a container: file system, names, privileges. It runs once per container,
 * and its failure is the container's end.
 *
 * <p>The order matters. Sources are opened first, each once, while init is the host's user still
 * and may pass the directories above them, and are mounted by descriptor: nobody can swap one for a
 * symbolic link in between. Then init becomes container root and pivots into an empty tmpfs, and
 * everything else happens inside, where no path leads back to the host.
 */
public final class ConfHandler {
    /** Where the root is mounted for the moment between mount and pivot_root: on any directory. */
    private static final String STAGE = "/proc";

    private static final long ROOT_INODES = 4096;

    private final ContainerConfig config;
    private final IdMap ids;

    private ConfHandler(ContainerConfig config, IdMap ids) {
        this.config = ContainerContext.effective(config, ids);
        this.ids = ids;
    }

    /**
     * Begins to configure.
     *
     * @param initOutput an empty memfd for the output of the init command
     * @param configured takes the context that later commands need
     */
    public static Exchange<ConfReply> start(
            ContainerConfig config,
            IdMap ids,
            Fd initOutput,
            Consumer<ContainerContext> configured) {
        ConfHandler handler = new ConfHandler(config, ids);
        return handler.lookAtSources(initOutput, configured);
    }

    // ---- sources ----------------------------------------------------------------------------

    /** Which sources there are and which of them are directories: mount points must match. */
    private Exchange<ConfReply> lookAtSources(
            Fd initOutput, Consumer<ContainerContext> configured) {
        SyscallProgram.Builder b = SyscallProgram.named("look at mount sources");
        List<Mount.Bind> binds =
                config.mounts().stream()
                        .filter(Mount.Bind.class::isInstance)
                        .map(Mount.Bind.class::cast)
                        .toList();
        List<Step> looks = new ArrayList<>();
        Data stats = b.reserve(binds.size() * Linux.stat_SIZE);
        for (Mount.Bind bind : binds) {
            looks.add(
                    b.call(
                                    "bind",
                                    describe(bind),
                                    Sys.NEWFSTATAT,
                                    Arg.AT_FDCWD,
                                    b.string(bind.source()).address(),
                                    stats.address(looks.size() * Linux.stat_SIZE),
                                    Arg.ZERO)
                            .continuing());
        }
        b.reply(stats);
        SyscallProgram program = b.build();
        return Exchange.run(
                program,
                ConfHandler::doomed,
                result -> {
                    ByteBuffer bytes = result.bytes(program, stats);
                    Map<Mount.Bind, Boolean> directories = new LinkedHashMap<>();
                    for (int i = 0; i < binds.size(); i++) {
                        Optional<SyscallFailure> missing = result.failureOf(looks.get(i));
                        if (missing.isEmpty()) {
                            Structs.Stat stat = Structs.Stat.read(bytes, i * Linux.stat_SIZE);
                            directories.put(binds.get(i), stat.isDirectory());
                        } else if (!binds.get(i).optional()
                                || !missing.get().errno().equals(Errno.ENOENT)) {
                            return doomed(missingSource(missing.get()));
                        }
                    }
                    return makeFileSystem(directories, initOutput, configured);
                });
    }

    private static Failure missingSource(SyscallFailure failure) {
        if (!failure.errno().equals(Errno.ENOENT)) {
            return Failures.of(failure);
        }
        return Failure.ofErrno(
                Failure.Kind.NOT_FOUND,
                failure.step(),
                failure.subject(),
                failure.errno().number(),
                failure.errno().symbol(),
                failure.detail()
                        + "; the mount is not optional: create its source, or mark it optional");
    }

    private static String describe(Mount.Bind bind) {
        return bind.source() + " on " + bind.target();
    }

    // ---- the file system --------------------------------------------------------------------

    private Exchange<ConfReply> makeFileSystem(
            Map<Mount.Bind, Boolean> directories,
            Fd initOutput,
            Consumer<ContainerContext> configured) {
        SyscallProgram.Builder b = SyscallProgram.named("conf");
        Map<Mount.Bind, Step> trees = new LinkedHashMap<>();
        for (Mount.Bind bind : directories.keySet()) {
            trees.put(bind, MountSteps.openTree(b, "bind", describe(bind), bind.source()));
        }
        Optional<Step> nullDevice = Masks.openNullDevice(b, config);
        becomeContainerRoot(b);
        b.call(
                "make mounts private",
                "/",
                Sys.MOUNT,
                Arg.ZERO,
                b.string("/").address(),
                Arg.ZERO,
                Arg.of(Integer.toUnsignedLong(Linux.MS_REC | Linux.MS_PRIVATE)),
                Arg.ZERO);
        Step proc = openProc(b);
        pivot(b);

        Set<String> made = new HashSet<>(Set.of("/"));
        for (Mount mount : config.mounts()) {
            switch (mount) {
                case Mount.Bind bind -> {
                    Step tree = trees.get(bind);
                    if (tree != null) {
                        bind(b, made, bind, tree, directories.getOrDefault(bind, true));
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
        name(b, "host name", Sys.SETHOSTNAME, config.hostName());
        name(b, "domain name", Sys.SETDOMAINNAME, config.domainName());
        Masks masks = Masks.look(b, config, nullDevice);
        SyscallProgram program = b.build();
        return Exchange.run(
                program,
                failure -> doomed(explain(failure)),
                result -> {
                    Optional<SyscallFailure> unseen = masks.failure(result);
                    if (unseen.isPresent()) {
                        return doomed(unseen.get());
                    }
                    SyscallProgram.Builder next = SyscallProgram.named("protect");
                    masks.hide(next, program, result);
                    return protect(next, initOutput, configured);
                });
    }

    /** After the masks: nothing of the file system changes any more, nor do privileges. */
    private Exchange<ConfReply> protect(
            SyscallProgram.Builder b, Fd initOutput, Consumer<ContainerContext> configured) {
        protectRoot(b);
        b.call(
                "enter work directory",
                config.workDirectory(),
                Sys.CHDIR,
                b.string(config.workDirectory()).address());
        Optional<LockDown> lockDown =
                config.initCommand().isEmpty() ? Optional.of(LockDown.append(b)) : Optional.empty();
        SyscallProgram program = b.build();
        return Exchange.run(
                program,
                ConfHandler::doomed,
                result ->
                        lockDown.isPresent()
                                ? finish(program, result, lockDown.get(), configured)
                                : runInitCommand(initOutput, configured));
    }

    /** Until here init has the ids of the worker's user, which mean nothing in its namespace. */
    private void becomeContainerRoot(SyscallProgram.Builder b) {
        b.call("become group", "0", Sys.SETRESGID, Arg.ZERO, Arg.ZERO, Arg.ZERO);
        b.call("become user", "0", Sys.SETRESUID, Arg.ZERO, Arg.ZERO, Arg.ZERO);
        if (!ids.isSingle()) { // setgroups(2) is denied where only one id is mapped
            b.call("drop supplementary groups", "", Sys.SETGROUPS, Arg.ZERO, Arg.ZERO);
        }
    }

    /**
     * The container's own proc, not yet mounted anywhere, with its one setting: no user namespaces
     * inside (namespaces/user, sysctl/user.rst), a second wall behind the seccomp filter.
     */
    private static Step openProc(SyscallProgram.Builder b) {
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

    private void pivot(SyscallProgram.Builder b) {
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

    private static void bind(
            SyscallProgram.Builder b,
            Set<String> made,
            Mount.Bind bind,
            Step tree,
            boolean directory) {
        if (directory) {
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
        MountSteps.setAttributes(b, "bind", describe(bind), tree, attributes);
        MountSteps.moveMount(b, "bind", describe(bind), tree, bind.target());
    }

    // ---- names, root, privileges ------------------------------------------------------------

    private static void name(SyscallProgram.Builder b, String name, Sys sys, String value) {
        int length = value.getBytes(StandardCharsets.UTF_8).length;
        b.call("set " + name, value, sys, b.string(value).address(), Arg.of(length));
    }

    /** The whole file system, not this mount of it alone. */
    private static void protectRoot(SyscallProgram.Builder b) {
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

    private Exchange<ConfReply> finish(
            SyscallProgram program,
            ProgramResult result,
            LockDown lockDown,
            Consumer<ContainerContext> configured)
            throws BadReplyException {
        List<String> environment = new ArrayList<>(config.defaultEnvironment());
        Optional<Failure> tooLarge = lockDown.mergeEnvironment(program, result, environment);
        if (tooLarge.isPresent()) {
            return doomed(tooLarge.get());
        }
        Configured reply = new Configured(environment);
        configured.accept(new ContainerContext(config, ids, reply.defaultEnvironment()));
        return new Exchange.Done<>(reply);
    }

    private Exchange<ConfReply> runInitCommand(Fd output, Consumer<ContainerContext> configured) {
        InitCommand command =
                InitCommand.of(config.initCommand(), config.defaultEnvironment(), output);
        return new Exchange.Run<>(
                command.program(),
                result -> {
                    Optional<Failure> failure = command.failure(result);
                    return failure.isPresent()
                            ? doomed(failure.get())
                            : lockDownAfterCommand(configured);
                });
    }

    private Exchange<ConfReply> lockDownAfterCommand(Consumer<ContainerContext> configured) {
        SyscallProgram.Builder b = SyscallProgram.named("lock down");
        LockDown lockDown = LockDown.append(b);
        SyscallProgram program = b.build();
        return Exchange.run(
                program,
                ConfHandler::doomed,
                result -> finish(program, result, lockDown, configured));
    }

    // ---- failures ---------------------------------------------------------------------------

    /** Adds what to do to the failures that hosts commonly cause. */
    private static Failure explain(SyscallFailure failure) {
        boolean proc = failure.subject().equals("proc") && failure.errno().equals(Errno.EPERM);
        Failure plain = Failures.of(failure);
        return proc
                ? Failure.ofErrno(
                        Failure.Kind.SYSCALL,
                        plain.step(),
                        plain.subject(),
                        failure.errno().number(),
                        failure.errno().symbol(),
                        plain.message()
                                + "; the host's /proc is masked in part, so a user namespace may not"
                                + " mount its own: see `cloister doctor`")
                : plain;
    }

    private static Exchange<ConfReply> doomed(SyscallFailure failure) {
        return doomed(Failures.of(failure));
    }

    private static Exchange<ConfReply> doomed(Failure failure) {
        return new Exchange.Doomed<>(failure, "conf failed: " + failure.describe());
    }
}
