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
import io.cloister.protocol.container.MaskPath;
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

    private static final String NULL_MASK = "/.null";
    private static final String EMPTY_MASK = "/.empty";
    private static final String ENVIRONMENT_FILE = "/.env";
    private static final int ENVIRONMENT_LIMIT = 8 * 1024;
    private static final int INIT_OUTPUT_LIMIT = 1024;
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
        return new Exchange.Run<>(
                program,
                result -> {
                    Optional<SyscallFailure> failure = result.failure(program);
                    if (failure.isPresent()) {
                        return doomed(Failures.of(failure.get()));
                    }
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
            trees.put(bind, openTree(b, "bind", describe(bind), bind.source()));
        }
        Step nullDevice = openTree(b, "mask with", "/dev/null", "/dev/null");
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
                    makeDirectories(b, made, tmpfs.target());
                    TmpfsMounts.mount(b, tmpfs);
                }
                case Mount.Proc(String target, boolean readOnly) -> {
                    makeDirectories(b, made, target);
                    if (readOnly) {
                        setAttributes(b, "protect", target, proc, Linux.MOUNT_ATTR_RDONLY);
                    }
                    moveMount(b, "mount proc on", target, proc, target);
                }
            }
        }
        for (SymbolicLink link : config.symbolicLinks()) {
            makeDirectories(b, made, parent(link.link()));
            b.call(
                    "link",
                    link.link() + " to " + link.target(),
                    Sys.SYMLINKAT,
                    b.string(link.target()).address(),
                    Arg.AT_FDCWD,
                    b.string(link.link()).address());
        }
        List<Mask> masks = mask(b, nullDevice);
        name(b, "host name", Sys.SETHOSTNAME, config.hostName());
        name(b, "domain name", Sys.SETDOMAINNAME, config.domainName());
        protectRoot(b);
        b.call(
                "enter work directory",
                config.workDirectory(),
                Sys.CHDIR,
                b.string(config.workDirectory()).address());
        Optional<EnvironmentFile> environment = Optional.empty();
        if (config.initCommand().isEmpty()) {
            environment = Optional.of(lockDown(b));
        }
        SyscallProgram program = b.build();
        Optional<EnvironmentFile> file = environment;
        return new Exchange.Run<>(
                program,
                result -> {
                    Optional<SyscallFailure> failure = result.failure(program);
                    if (failure.isPresent()) {
                        return doomed(explain(failure.get()));
                    }
                    for (Mask mask : masks) {
                        Optional<SyscallFailure> unmasked = mask.failure(result);
                        if (unmasked.isPresent()) {
                            return doomed(Failures.of(unmasked.get()));
                        }
                    }
                    if (file.isPresent()) {
                        return finish(program, result, file.get(), configured);
                    }
                    return runInitCommand(initOutput, configured);
                });
    }

    private static Step openTree(
            SyscallProgram.Builder b, String name, String subject, String source) {
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
            makeDirectories(b, made, bind.target());
        } else {
            makeDirectories(b, made, parent(bind.target()));
            makeFile(b, bind.target());
        }
        int attributes = Linux.MOUNT_ATTR_NOSUID;
        if (!bind.devices()) {
            attributes |= Linux.MOUNT_ATTR_NODEV;
        }
        if (bind.readOnly()) {
            attributes |= Linux.MOUNT_ATTR_RDONLY;
        }
        setAttributes(b, "bind", describe(bind), tree, attributes);
        moveMount(b, "bind", describe(bind), tree, bind.target());
    }

    private static void setAttributes(
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

    private static void moveMount(
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

    private static void makeDirectories(
            SyscallProgram.Builder b, Set<String> made, String directory) {
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

    private static void makeFile(SyscallProgram.Builder b, String path) {
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

    private static String parent(String path) {
        int slash = path.lastIndexOf('/');
        return slash <= 0 ? "/" : path.substring(0, slash);
    }

    // ---- masks ------------------------------------------------------------------------------

    /**
     * One masked path: a file is hidden by /dev/null, a directory by an empty one, and what is
     * neither is missing. Both are tried, since which it is shows only then.
     */
    private record Mask(Step asFile, Step asDirectory) {
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

    private List<Mask> mask(SyscallProgram.Builder b, Step nullDevice) {
        List<Mask> masks = new ArrayList<>();
        if (config.maskPaths().isEmpty()) {
            return masks;
        }
        makeFile(b, NULL_MASK);
        setAttributes(
                b,
                "mask with",
                "/dev/null",
                nullDevice,
                Linux.MOUNT_ATTR_NOSUID | Linux.MOUNT_ATTR_NOEXEC);
        moveMount(b, "mask with", "/dev/null", nullDevice, NULL_MASK);
        makeDirectories(b, new HashSet<>(Set.of("/")), EMPTY_MASK);
        b.call(
                "mask with",
                "an empty directory",
                Sys.MOUNT,
                b.string("tmpfs").address(),
                b.string(EMPTY_MASK).address(),
                b.string("tmpfs").address(),
                Arg.of(Linux.MS_RDONLY | Linux.MS_NOSUID | Linux.MS_NODEV | Linux.MS_NOEXEC),
                b.string("size=4k,nr_inodes=1,mode=0555").address());
        for (MaskPath mask : config.maskPaths()) {
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

    /** Where the contents of /.env will be in the reply. */
    private record EnvironmentFile(Step read, Data contents) {}

    /**
     * After the last program that may have capabilities: none can gain any from now on. init itself
     * never execs and keeps those of its user namespace.
     */
    private static EnvironmentFile lockDown(SyscallProgram.Builder b) {
        for (int capability = 0; capability <= Linux.CAP_LAST_CAP; capability++) {
            // EINVAL: the headers know more capabilities than the kernel
            prctl(
                            b,
                            "drop capability",
                            Integer.toString(capability),
                            Linux.PR_CAPBSET_DROP,
                            capability)
                    .ignoring(Errno.EINVAL);
        }
        int bits =
                Linux.SECBIT_NOROOT
                        | Linux.SECBIT_NOROOT_LOCKED
                        | Linux.SECBIT_NO_CAP_AMBIENT_RAISE
                        | Linux.SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
        prctl(b, "lock privileges", "", Linux.PR_SET_SECUREBITS, bits);
        prctl(b, "set no_new_privs", "", Linux.PR_SET_NO_NEW_PRIVS, 1);
        prctl(b, "make undumpable", "init", Linux.PR_SET_DUMPABLE, 0);
        Step file =
                b.call(
                                "open",
                                ENVIRONMENT_FILE,
                                Sys.OPENAT2,
                                Arg.AT_FDCWD,
                                b.string(ENVIRONMENT_FILE).address(),
                                Structs.openHow(
                                                b,
                                                Linux.O_RDONLY | Linux.O_NONBLOCK | Linux.O_CLOEXEC,
                                                0,
                                                Linux.RESOLVE_NO_MAGICLINKS)
                                        .address(),
                                Arg.of(Linux.open_how_SIZE))
                        .continuing();
        Data contents = b.reserve(ENVIRONMENT_LIMIT);
        Step read =
                b.call(
                                "read",
                                ENVIRONMENT_FILE,
                                Sys.READ,
                                file.result(),
                                contents.address(),
                                Arg.of(contents.size()))
                        .continuing();
        b.reply(contents);
        return new EnvironmentFile(read, contents);
    }

    private static Step prctl(
            SyscallProgram.Builder b, String name, String subject, int option, long argument) {
        return b.call(
                name,
                subject,
                Sys.PRCTL,
                Arg.of(option),
                Arg.of(argument),
                Arg.ZERO,
                Arg.ZERO,
                Arg.ZERO);
    }

    private Exchange<ConfReply> finish(
            SyscallProgram program,
            ProgramResult result,
            EnvironmentFile file,
            Consumer<ContainerContext> configured)
            throws BadReplyException {
        List<String> environment = new ArrayList<>(config.defaultEnvironment());
        long length = result.of(file.read());
        if (length >= ENVIRONMENT_LIMIT) {
            return doomed(
                    Failure.of(
                            Failure.Kind.TOO_LARGE,
                            ENVIRONMENT_FILE,
                            "larger than %d bytes: shorten it".formatted(ENVIRONMENT_LIMIT - 1)));
        }
        if (length > 0) {
            byte[] contents = new byte[(int) length];
            result.bytes(program, file.contents()).get(contents);
            EnvironmentLines.merge(environment, contents);
        }
        Configured reply = new Configured(environment);
        configured.accept(new ContainerContext(config, ids, reply.defaultEnvironment()));
        return new Exchange.Done<>(reply);
    }

    // ---- the init command -------------------------------------------------------------------

    /** Runs the operator's command with container root's capabilities, then locks them away. */
    private Exchange<ConfReply> runInitCommand(Fd output, Consumer<ContainerContext> configured) {
        List<String> command = config.initCommand();
        SyscallProgram.Builder b = SyscallProgram.named("init command");
        Data path = b.string(command.getFirst());
        Data argv = b.pointers(command.stream().map(b::string).toList());
        Data envp = b.pointers(config.defaultEnvironment().stream().map(b::string).toList());
        Arg out = b.descriptor(output);
        Data status = b.reserve(Long.BYTES);
        Data text = b.reserve(INIT_OUTPUT_LIMIT);
        Data answer = new Data(status.at(), status.size() + text.size(), null);
        String subject = String.join(" ", command);
        Step fork =
                b.fork(
                        "run init command",
                        subject,
                        Integer.toUnsignedLong(Linux.CLONE_VM | Linux.CLONE_VFORK),
                        Linux.SIGCHLD,
                        Arg.ZERO,
                        Arg.ZERO,
                        () -> {
                            for (int fd = 1; fd <= 2; fd++) {
                                b.call("redirect", "output", Sys.DUP3, out, Arg.of(fd), Arg.ZERO);
                            }
                            b.call(
                                    "run init command",
                                    subject,
                                    Sys.EXECVE,
                                    path.address(),
                                    argv.address(),
                                    envp.address());
                        });
        b.call(
                        "wait for",
                        "init command",
                        Sys.WAIT4,
                        fork.result(),
                        status.address(),
                        Arg.of(Linux.__WALL),
                        Arg.ZERO)
                .always();
        b.call("kill", "what it left", Sys.KILL, Arg.of(-1), Arg.of(Linux.SIGKILL))
                .ignoring(Errno.ESRCH)
                .always();
        b.call(
                        "reap",
                        "what it left",
                        Sys.WAIT4,
                        Arg.of(-1),
                        Arg.ZERO,
                        Arg.of(Linux.__WALL),
                        Arg.ZERO)
                .repeating()
                .ignoring(Errno.ECHILD)
                .always();
        Step read =
                b.call(
                                "read",
                                "its output",
                                Sys.PREAD64,
                                out,
                                text.address(),
                                Arg.of(text.size()),
                                Arg.ZERO)
                        .always();
        b.reply(answer).always();
        SyscallProgram program = b.build();
        return new Exchange.Run<>(
                program,
                result -> {
                    Optional<SyscallFailure> failure = result.failure(program);
                    if (failure.isPresent()) {
                        return doomed(Failures.of(failure.get()));
                    }
                    ByteBuffer bytes = result.bytes(program, answer);
                    int code = bytes.getInt(0);
                    if (code != 0) {
                        byte[] words = new byte[(int) Math.max(0, result.of(read))];
                        bytes.get(Long.BYTES, words);
                        return doomed(initCommandFailed(subject, code, words));
                    }
                    return lockDownAfterCommand(configured);
                });
    }

    private static Failure initCommandFailed(String command, int status, byte[] output) {
        String end =
                WaitStatus.exited(status)
                        ? "exit code " + WaitStatus.exitCode(status)
                        : "signal " + WaitStatus.signal(status);
        return new Failure(
                Failure.Kind.SYSCALL,
                "run init command",
                command,
                java.util.OptionalInt.empty(),
                "",
                "the init command ended with "
                        + end
                        + ": "
                        + new String(output, StandardCharsets.UTF_8).strip());
    }

    private Exchange<ConfReply> lockDownAfterCommand(Consumer<ContainerContext> configured) {
        SyscallProgram.Builder b = SyscallProgram.named("lock down");
        EnvironmentFile file = lockDown(b);
        SyscallProgram program = b.build();
        return new Exchange.Run<>(
                program,
                result -> {
                    Optional<SyscallFailure> failure = result.failure(program);
                    return failure.isPresent()
                            ? doomed(Failures.of(failure.get()))
                            : finish(program, result, file, configured);
                });
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

    private static Exchange<ConfReply> doomed(Failure failure) {
        return new Exchange.Doomed<>(failure, "conf failed: " + failure.describe());
    }
}
