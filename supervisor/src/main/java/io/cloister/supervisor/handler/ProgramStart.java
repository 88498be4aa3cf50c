// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.landlock.Landlock;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProcessStructs;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.nativeio.seccomp.SeccompFilter;
import io.cloister.nativeio.seccomp.SeccompFilter.Listener;
import io.cloister.protocol.container.Credential;
import io.cloister.protocol.message.Executable;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.run.Resource;
import io.cloister.protocol.run.Rlimit;
import io.cloister.protocol.run.Rlimits;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The steps by which init's child becomes a run's program: it gives up one privilege after the
 * other, puts descriptors in their places, and executes. What fails there is a step of the same
 * program of system calls.
 */
final class ProgramStart {
    /** As execvp(3) falls back to when there is no PATH. */
    private static final String DEFAULT_PATH = "/bin:/usr/bin";

    private static final int MAX_PATH_DIRECTORIES = 64;

    /** Above all descriptors that init has beside those of the request. */
    private static final int LANDLOCK_ROOT = 32;

    /** A program that guessed one could execute another. */
    private static final SecureRandom TOKENS = new SecureRandom();

    private final SyscallProgram.Builder b;
    private final Execve request;
    private final ContainerContext context;
    private final SeccompFilter filter;
    private final Landlock landlock;
    private final Rlimits rlimits;
    private final boolean ownGroup;
    private final Measurement measurement;
    private final long token;
    private final List<Step> executions = new ArrayList<>();
    private Optional<Step> permission = Optional.empty();

    /**
     * The program's descriptors are in their places.
     *
     * @param last for the place of init's socket, once that has done its service
     */
    private record Placed(Optional<Arg> executable, Optional<Arg> last) {}

    /**
     * @param ownGroup whether the child is in a control group of the run's own
     */
    ProgramStart(
            SyscallProgram.Builder b,
            Execve request,
            ContainerContext context,
            ExecveHandler.Resources resources,
            boolean ownGroup,
            Measurement measurement) {
        this.b = b;
        this.request = request;
        this.context = context;
        filter = resources.filter();
        landlock = resources.landlock();
        rlimits = resources.enforcement().rlimits();
        this.ownGroup = ownGroup;
        this.measurement = measurement;
        token = filter.needsToken() ? TOKENS.nextLong() : 0;
    }

    /** To be called where the child's block is composed. */
    void compose(ExecveDescriptors descriptors) {
        if (ownGroup) { // now that it is where it shall seem to be at the root
            b.call("unshare", "cgroup namespace", Sys.UNSHARE, Arg.of(Linux.CLONE_NEWCGROUP));
        }
        if (request.announceStart()) {
            permission = Optional.of(announce());
        }
        if (landlock.isUsable()) {
            confine(landlock, descriptors.files().size());
        }
        b.call("create session", "", Sys.SETSID);
        Placed placed = placeDescriptors(descriptors);
        request.controllingTerminal()
                .ifPresent(number ->
                        b.call(
                                "make controlling terminal",
                                "descriptor " + number,
                                Sys.IOCTL,
                                Arg.of(number),
                                Arg.of(Linux.TIOCSCTTY),
                                Arg.ZERO));
        rlimits.limits().forEach(this::limit);
        dropPrivileges();
        request.workDirectory()
                .ifPresent(directory ->
                        b.call(
                                "enter work directory",
                                directory,
                                Sys.CHDIR,
                                b.string(directory).address()));
        measurement.start();
        if (!filter.isEmpty()) {
            install();
        }
        placed.last().ifPresent(source -> place(source, Linux.SOCK));
        execute(placed.executable());
    }

    /** The step that waits for the caller's leave, if the start is announced. */
    Optional<Step> permission() {
        return permission;
    }

    /** The attempts to execute: one for each path that the program's name may mean. */
    List<Step> executions() {
        return List.copyOf(executions);
    }

    /**
     * Hands the worker a pidfd of this child and waits for its leave to go on: any message. End of
     * file, the worker's death, is a refusal.
     */
    private Step announce() {
        Step pid = b.call("announce", "start", Sys.GETPID);
        Step pidfd = b.call("announce", "start", Sys.PIDFD_OPEN, pid.result(), Arg.ZERO);
        b.announce(pidfd);
        Data leave = b.reserve(SyscallProgram.EMPTY_BYTES);
        return b.call(
                        "wait for leave to start",
                        request.arguments().getFirst(),
                        Sys.READ,
                        Arg.of(Linux.SOCK),
                        leave.address(),
                        Arg.of(leave.size()))
                .positive();
    }

    /**
     * A domain of Landlock's: who is in one can change no mount, trace nobody outside, make no
     * device nodes, and, where there are scopes, neither signal nor reach the abstract sockets of
     * anybody outside, init included. Renaming between directories is denied by any domain unless a
     * rule allows it; ours does, everywhere.
     */
    private void confine(Landlock landlock, int files) {
        Data ruleset = b.reserve(Linux.ruleset_SIZE);
        long handled =
                Linux.LANDLOCK_ACCESS_FS_MAKE_CHAR
                        | Linux.LANDLOCK_ACCESS_FS_MAKE_BLOCK
                        | Linux.LANDLOCK_ACCESS_FS_REFER;
        b.putLong(ruleset, Linux.ruleset_handled_access_fs, handled);
        if (landlock.hasScopes()) {
            long scopes = Linux.LANDLOCK_SCOPE_SIGNAL | Linux.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET;
            b.putLong(ruleset, Linux.ruleset_scoped, scopes);
        }
        Step root =
                b.call(
                        "open",
                        "/",
                        Sys.OPENAT,
                        Arg.AT_FDCWD,
                        b.string("/").address(),
                        Arg.of(Linux.O_PATH | Linux.O_CLOEXEC));
        // the rule holds its number, which must be known by now
        int number = Linux.SOCK + LANDLOCK_ROOT + files;
        b.call("confine", "root", Sys.DUP3, root.result(), Arg.of(number), Arg.of(Linux.O_CLOEXEC));
        Data rule = b.reserve(Linux.landlock_path_beneath_attr_SIZE);
        b.putLong(
                rule,
                Linux.landlock_path_beneath_attr_allowed_access,
                Linux.LANDLOCK_ACCESS_FS_REFER);
        b.putInt(rule, Linux.landlock_path_beneath_attr_parent_fd, number);
        Step created =
                b.call(
                        "confine",
                        "ruleset",
                        Sys.LANDLOCK_CREATE_RULESET,
                        ruleset.address(),
                        Arg.of(ruleset.size()),
                        Arg.ZERO);
        b.call(
                "confine",
                "rule",
                Sys.LANDLOCK_ADD_RULE,
                created.result(),
                Arg.of(Linux.LANDLOCK_RULE_PATH_BENEATH),
                rule.address(),
                Arg.ZERO);
        b.call("confine", "program", Sys.LANDLOCK_RESTRICT_SELF, created.result(), Arg.ZERO);
    }

    /**
     * Moves each descriptor to its number in the program and closes all others at the execve. The
     * received ones may occupy each other's places, so they first move above all of them.
     *
     * <p>A filter's listener goes through init's socket, so the place of that is taken last.
     */
    private Placed placeDescriptors(ExecveDescriptors descriptors) {
        Map<Integer, Fd> files = new TreeMap<>(descriptors.files());
        int first =
                Math.max(files.keySet().stream().max(Integer::compare).orElse(0), Linux.SOCK) + 1;
        Optional<Arg> executable =
                descriptors
                        .executable()
                        .map(fd -> moveAbove(b.descriptor(fd), first, "executable"));
        Map<Integer, Arg> sources = new TreeMap<>();
        // a source is some number above the socket: only targets up there can collide
        boolean collide = first > Linux.SOCK + 1;
        files.forEach((number, fd) -> {
            Arg received = b.descriptor(fd);
            sources.put(
                    number,
                    collide ? moveAbove(received, first, "descriptor " + number) : received);
        });
        // 0, 1 and 2 are init's /dev/null: a program that is given none keeps that
        b.call(
                "close",
                "other descriptors",
                Sys.CLOSE_RANGE,
                Arg.of(Linux.SOCK),
                Arg.of(0xffffffffL),
                Arg.of(Linux.CLOSE_RANGE_CLOEXEC));
        Optional<Arg> last =
                filter.listener() == Listener.NONE
                        ? Optional.empty()
                        : Optional.ofNullable(sources.remove(Linux.SOCK));
        sources.forEach((number, source) -> place(source, number));
        return new Placed(executable, last);
    }

    private void place(Arg source, int number) {
        b.call(
                "place",
                "descriptor " + number,
                Sys.DUP3,
                source,
                Arg.of(number),
                Arg.ZERO,
                Arg.ZERO,
                Arg.ZERO,
                Arg.of(token));
    }

    private Arg moveAbove(Arg received, int first, String subject) {
        return b.call(
                        "take",
                        subject,
                        Sys.FCNTL,
                        received,
                        Arg.of(Linux.F_DUPFD_CLOEXEC),
                        Arg.of(first))
                .result();
    }

    private void limit(Rlimit limit) {
        Resource resource = limit.resource();
        b.call(
                "limit",
                resource.name(),
                Sys.PRLIMIT64,
                Arg.ZERO,
                Arg.of(Linux.constant(resource.name())),
                ProcessStructs.rlimit(b, limit.soft(), limit.hard()).address(),
                Arg.ZERO);
    }

    private void dropPrivileges() {
        if (!context.ids().isSingle()) {
            Credential credential =
                    request.credential().orElse(context.config().programCredential());
            Arg gid = Arg.of(credential.gid());
            b.call(
                    "become group",
                    Integer.toString(credential.gid()),
                    Sys.SETRESGID,
                    gid,
                    gid,
                    gid);
            Arg uid = Arg.of(credential.uid());
            b.call("become user", Integer.toString(credential.uid()), Sys.SETRESUID, uid, uid, uid);
        }
        // not left to setresuid: with a single id there is none, and securebits may keep them
        Data header = b.reserve(Linux.__user_cap_header_struct_SIZE);
        b.putInt(header, 0, Linux._LINUX_CAPABILITY_VERSION_3);
        Data none = b.reserve(2 * Linux.__user_cap_data_struct_SIZE);
        b.call("drop", "all capabilities", Sys.CAPSET, header.address(), none.address());
    }

    /** From here on the filter holds for the rest of the start, too: it passes by the token. */
    private void install() {
        Data program = b.reserve(Linux.sock_fprog_SIZE);
        Data instructions = b.bytes(filter.bytes(token));
        b.putShort(program, Linux.sock_fprog_len, filter.length());
        b.putLong(program, Linux.sock_fprog_filter, instructions.at());
        boolean listens = filter.listener() != Listener.NONE;
        Step installed =
                b.call(
                        "install seccomp filter",
                        filter.policy(),
                        Sys.SECCOMP,
                        Arg.of(Linux.SECCOMP_SET_MODE_FILTER),
                        Arg.of(listens ? Linux.SECCOMP_FILTER_FLAG_NEW_LISTENER : 0),
                        program.address());
        if (listens) {
            b.announce(installed, token);
        }
    }

    private void execute(Optional<Arg> executable) {
        List<String> environment = request.environment().orElse(context.defaultEnvironment());
        Arg argv = b.pointers(request.arguments().stream().map(b::string).toList()).address();
        Arg envp = b.pointers(environment.stream().map(b::string).toList()).address();
        switch (request.executable()) {
            case Executable.OfDescriptor ignored ->
                    executions.add(
                            b.call(
                                    "execute",
                                    request.arguments().getFirst(),
                                    Sys.EXECVEAT,
                                    executable.orElseThrow(),
                                    b.string("").address(),
                                    argv,
                                    envp,
                                    Arg.of(Linux.AT_EMPTY_PATH),
                                    Arg.of(token)));
            case Executable.OfPath(String name) -> {
                for (String path : candidates(name, environment)) {
                    if (!executions.isEmpty()) { // as execvp(3), a miss leads to the next
                        executions.getLast().continuing();
                    }
                    executions.add(
                            b.call(
                                    "execute",
                                    path,
                                    Sys.EXECVE,
                                    b.string(path).address(),
                                    argv,
                                    envp,
                                    Arg.ZERO,
                                    Arg.ZERO,
                                    Arg.of(token)));
                }
            }
        }
    }

    /** The paths that a name may mean, first come first: execvp(3) with the program's own PATH. */
    static List<String> candidates(String name, List<String> environment) {
        if (name.indexOf('/') >= 0) {
            return List.of(name);
        }
        String path =
                environment.stream()
                        .filter(entry -> entry.startsWith("PATH="))
                        .map(entry -> entry.substring("PATH=".length()))
                        .findFirst()
                        .orElse(DEFAULT_PATH);
        List<String> candidates = new ArrayList<>();
        for (String directory : path.split(":", -1)) {
            if (candidates.size() == MAX_PATH_DIRECTORIES) {
                break;
            }
            candidates.add(directory.isEmpty() ? "./" + name : directory + "/" + name);
        }
        return candidates;
    }
}
