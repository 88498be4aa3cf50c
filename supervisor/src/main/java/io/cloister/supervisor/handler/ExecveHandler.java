// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.cgroup.CgroupFigures;
import io.cloister.nativeio.cgroup.CgroupRun;
import io.cloister.nativeio.cgroup.CpuUsage;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.init.OomScore;
import io.cloister.nativeio.landlock.Landlock;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.BadReplyException;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProcessStructs;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallFailure;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.nativeio.seccomp.SeccompFilter;
import io.cloister.nativeio.seccomp.SeccompFilter.Listener;
import io.cloister.protocol.container.Credential;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.message.Executable;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.MemorySource;
import io.cloister.protocol.run.Resource;
import io.cloister.protocol.run.Rlimit;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.run.Usage;
import io.cloister.protocol.unit.ByteSize;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * Runs a program: one message, one reply.
 *
 * <p>init forks with its memory shared and itself suspended; the child gives up its privileges step
 * by step and executes the program. init then waits for whatever comes first: the program's end,
 * the wall time limit, a kill request or the worker's end. After that it kills every process in the
 * container and reaps until none is left, so that nothing of a run outlives its reply.
 *
 * <p>Composing the program takes as long as a good part of what init does with it, and a judge runs
 * the same one on many inputs: {@link #fits} tells whether a handler can {@link #start} another
 * run. Only descriptors differ, which init knows by their places.
 */
public final class ExecveHandler {
    private static final int POLL_PROGRAM = 0;
    private static final int POLL_SOCKET = 1;

    /** As execvp(3) falls back to when there is no PATH. */
    private static final String DEFAULT_PATH = "/bin:/usr/bin";

    private static final int MAX_PATH_DIRECTORIES = 64;
    private static final String DISK_NOT_RESTORED = "a tmpfs did not get its size back";

    private static final int CORES = Runtime.getRuntime().availableProcessors();

    /** Above all descriptors that init has beside those of the request. */
    private static final int LANDLOCK_ROOT = 32;

    /** A program that guessed one could execute another. */
    private static final SecureRandom TOKENS = new SecureRandom();

    /** A longer program is not kept for another run: there may be many containers. */
    private static final int LONGEST_KEPT = 16 << 10;

    private final Execve request;
    private final ContainerContext context;
    private final Resources resources;
    private final Shape shape;
    private final SeccompFilter filter;
    private final long token;
    private final SyscallProgram.Builder b = SyscallProgram.named("execve");
    private final Outcome outcome = new Outcome(b);
    private final List<Step> executions = new ArrayList<>();
    private List<Step> diskLimits = List.of();
    private Optional<Step> permission = Optional.empty();
    private final Steps steps;
    private final SyscallProgram program;

    /** More than init uses of the processor during a run: it looks ever more often, but seldom. */
    private static final Duration INIT_CPU = Duration.ofMillis(1);

    /** Room for what a file of CPU time says, as far as it matters. */
    private static final int CPU_TEXT = 64;

    /**
     * What a run has of its worker.
     *
     * @param enforcement of its limits
     * @param landlock what to confine the program by, beside the filter
     * @param oomScore init's, which the program inherits a raised one from; absent where the kernel
     *     does not let the worker change it
     */
    public record Resources(
            SeccompFilter filter,
            Landlock landlock,
            Enforcement enforcement,
            Optional<OomScore> oomScore) {}

    /** What the program owes to the run's control group, descriptors aside. */
    private record Shape(boolean ownGroup, boolean countsInit, OptionalLong nanosPerUnit) {
        static Shape of(CgroupRun group) {
            Optional<CpuUsage> usage = group.cpuUsage();
            return new Shape(
                    group.forkInto().isPresent(),
                    group.countsInit(),
                    usage.isPresent()
                            ? OptionalLong.of(usage.get().nanosPerUnit())
                            : OptionalLong.empty());
        }
    }

    /** What init measures, in one piece so that one reply brings it all. */
    private static final class Outcome {
        private final Data all;
        private final Data before;
        private final Data after;
        private final Data own;
        private final Data created;
        private final Data started;
        private final Data ended;
        private final Data poll;
        private final Data status;
        private final Data initBefore;
        private final Data initAfter;
        private final Data cpuBefore;
        private final Data cpuAfter;
        private final Data setUpCpu;

        Outcome(SyscallProgram.Builder b) {
            before = b.reserve(Linux.rusage_SIZE);
            after = b.reserve(Linux.rusage_SIZE);
            own = b.reserve(Linux.rusage_SIZE);
            initBefore = b.reserve(Linux.rusage_SIZE);
            initAfter = b.reserve(Linux.rusage_SIZE);
            cpuBefore = b.reserve(CPU_TEXT);
            cpuAfter = b.reserve(CPU_TEXT);
            setUpCpu = b.reserve(Linux.timespec_SIZE);
            created = b.reserve(Linux.timespec_SIZE);
            started = b.reserve(Linux.timespec_SIZE);
            ended = b.reserve(Linux.timespec_SIZE);
            poll = b.reserve(2 * Linux.pollfd_SIZE);
            status = b.reserve(Long.BYTES);
            all = new Data(before.at(), (int) (status.at() - before.at()) + status.size(), null);
        }
    }

    /**
     * The program's descriptors are in their places.
     *
     * @param last for the place of init's socket, once that has done its service
     */
    private record Placed(Optional<Arg> executable, Optional<Arg> last) {}

    /** The steps whose results decide. */
    private record Steps(Step fork, Step own, Step watch, Step reap, List<Step> restored) {}

    /** What follows from init's answer; gives the group up if there is none. */
    private final class Ending implements Exchange.Then<ExecveReply>, AutoCloseable {
        private final CgroupRun group;

        Ending(CgroupRun group) {
            this.group = group;
        }

        @Override
        public Exchange<ExecveReply> apply(ProgramResult result) throws BadReplyException {
            try {
                return finish(group, result);
            } finally {
                close();
            }
        }

        @Override
        public void close() {
            group.close();
        }
    }

    private ExecveHandler(
            Execve request,
            ExecveDescriptors descriptors,
            ContainerContext context,
            Resources resources,
            CgroupRun group) {
        this.request = request;
        this.context = context;
        this.resources = resources;
        this.shape = Shape.of(group);
        this.filter = resources.filter();
        this.token = filter.needsToken() ? TOKENS.nextLong() : 0;
        this.steps = compose(descriptors, group);
        this.program = b.build();
    }

    /**
     * Prepares a run.
     *
     * @param descriptors stay the caller's; their numbers are those of the request
     */
    public static ExecveHandler of(
            Execve request,
            ExecveDescriptors descriptors,
            ContainerContext context,
            Resources resources,
            CgroupRun group) {
        return new ExecveHandler(request, descriptors, context, resources, group);
    }

    /** Whether it can start more than one run: unless a filter needs a token of the run's own. */
    public boolean isWorthKeeping() {
        return !filter.needsToken() && program.size() <= LONGEST_KEPT;
    }

    /**
     * Whether another run of the same container can be {@link #start started} by this, if it {@link
     * #isWorthKeeping() is kept}.
     */
    public boolean fits(Execve other, SeccompFilter itsFilter) {
        return filter == itsFilter && request.equals(other);
    }

    /** As {@link #fits(Execve, SeccompFilter)}, of the other run's control group. */
    public boolean fits(CgroupRun group) {
        return shape.equals(Shape.of(group));
    }

    public Enforcement enforcement() {
        return resources.enforcement();
    }

    /**
     * Begins a run.
     *
     * @param descriptors stay the caller's; their numbers are those of the request
     * @param group is given up when the run is over
     */
    public Exchange<ExecveReply> start(ExecveDescriptors descriptors, CgroupRun group) {
        return new Exchange.Run<>(program.with(inSlots(descriptors, group)), new Ending(group));
    }

    /** In the order in which the program is given them. */
    private List<Fd> inSlots(ExecveDescriptors descriptors, CgroupRun group) {
        List<Fd> all = new ArrayList<>();
        group.cpuUsage().ifPresent(usage -> all.add(usage.file()));
        resources.oomScore().ifPresent(score -> all.add(score.file()));
        group.forkInto().ifPresent(all::add);
        descriptors.executable().ifPresent(all::add);
        all.addAll(new TreeMap<>(descriptors.files()).values());
        return all;
    }

    /** Whether the descriptors are those that the request announces, and open. */
    public static Optional<Failure> check(Execve request, ExecveDescriptors descriptors) {
        return descriptors.check(request);
    }

    private Steps compose(ExecveDescriptors descriptors, CgroupRun runGroup) {
        String subject = request.arguments().getFirst();
        b.call(
                "measure",
                "children before",
                Sys.GETRUSAGE,
                Arg.of(Linux.RUSAGE_CHILDREN),
                outcome.before.address());
        Optional<Arg> cpuFile = runGroup.cpuUsage().map(CpuUsage::file).map(b::descriptor);
        measureGroup(cpuFile, outcome.cpuBefore, outcome.initBefore);
        diskLimits = limitDisk(Optional.of(request.limits()));
        Optional<Arg> oomScore = resources.oomScore().map(score -> b.descriptor(score.file()));
        oomScore.ifPresent(file -> setOomScore(file, OomScore.HIGHEST));
        readClock(outcome.created);
        Optional<Arg> group = runGroup.forkInto().map(b::descriptor);
        long flags = Linux.CLONE_VM | Linux.CLONE_VFORK | Linux.CLONE_PIDFD;
        Step fork =
                b.fork(
                        "start",
                        subject,
                        Integer.toUnsignedLong((int) flags)
                                | (group.isPresent() ? Linux.CLONE_INTO_CGROUP : 0),
                        Linux.SIGCHLD,
                        outcome.poll.address(), // the pidfd lands where poll looks for it
                        group.orElse(Arg.ZERO),
                        () -> becomeProgram(descriptors));
        ProcessStructs.putPollFd(b, outcome.poll, POLL_PROGRAM, 0, Linux.POLLIN);
        ProcessStructs.putPollFd(b, outcome.poll, POLL_SOCKET, Linux.SOCK, Linux.POLLIN);
        Step watch =
                b.watch(
                        "watch",
                        subject,
                        outcome.poll,
                        2,
                        ProcessStructs.watch(
                                b,
                                request.limits().wallTime(),
                                watchedCpuTime(),
                                shape.nanosPerUnit().orElse(1L),
                                CORES),
                        cpuFile.orElse(Arg.of(-1)),
                        fork.result());
        readClock(outcome.ended);
        Processes.killAll(b);
        resources.oomScore().ifPresent(score -> setOomScore(oomScore.orElseThrow(), score.own()));
        Step wait =
                b.call(
                                "reap",
                                subject,
                                Sys.WAIT4,
                                fork.result(),
                                outcome.status.address(),
                                Arg.of(Linux.__WALL),
                                outcome.own.address())
                        .always();
        Step reap = Processes.reapAll(b);
        b.call(
                        "measure",
                        "children after",
                        Sys.GETRUSAGE,
                        Arg.of(Linux.RUSAGE_CHILDREN),
                        outcome.after.address())
                .always();
        measureGroup(cpuFile, outcome.cpuAfter, outcome.initAfter);
        List<Step> restored = limitDisk(Optional.empty());
        b.reply(outcome.all).always();
        return new Steps(fork, wait, watch, reap, restored);
    }

    /** The group's CPU time, and init's own where that is part of it. */
    private void measureGroup(Optional<Arg> cpuFile, Data into, Data ofInit) {
        if (cpuFile.isEmpty()) {
            return;
        }
        b.call(
                        "measure",
                        "CPU time of the group",
                        Sys.PREAD64,
                        cpuFile.get(),
                        into.address(),
                        Arg.of(CPU_TEXT),
                        Arg.ZERO)
                .positive()
                .always();
        if (shape.countsInit()) {
            b.call("measure", "init", Sys.GETRUSAGE, Arg.of(Linux.RUSAGE_SELF), ofInit.address())
                    .always();
        }
    }

    /** Zero for no limit. Where init's own time counts, it must not be taken for the program's. */
    private Duration watchedCpuTime() {
        Duration limit = request.limits().cpuTime().orElse(Duration.ZERO);
        return limit.isZero() || !shape.countsInit() ? limit : limit.plus(INIT_CPU);
    }

    /** The program inherits init's score at the fork, init takes its own back. */
    private void setOomScore(Arg file, String score) {
        Data text = b.string(score);
        b.call(
                        "set OOM score",
                        score,
                        Sys.PWRITE64,
                        file,
                        text.address(),
                        Arg.of(score.length()),
                        Arg.ZERO)
                .always();
    }

    /** Gives every tmpfs the sizes of the request, or its own again. */
    private List<Step> limitDisk(Optional<Limits> limits) {
        List<Step> steps = new ArrayList<>();
        if (request.limits().diskSize().isPresent() || request.limits().diskFiles().isPresent()) {
            for (Mount mount : context.config().mounts()) {
                if (mount instanceof Mount.Tmpfs tmpfs) {
                    Step step =
                            limits.isPresent()
                                    ? TmpfsMounts.resize(
                                            b,
                                            tmpfs,
                                            limits.get().diskSize(),
                                            limits.get().diskFiles())
                                    : TmpfsMounts.resize(
                                                    b, tmpfs, Optional.empty(), OptionalInt.empty())
                                            .continuing()
                                            .always();
                    steps.add(step);
                }
            }
        }
        return steps;
    }

    private void readClock(Data into) {
        b.call("read", "clock", Sys.CLOCK_GETTIME, Arg.of(Linux.CLOCK_MONOTONIC), into.address());
    }

    // ---- in the child -----------------------------------------------------------------------

    private void becomeProgram(ExecveDescriptors descriptors) {
        if (shape.ownGroup()) { // now that it is where it shall seem to be at the root
            b.call("unshare", "cgroup namespace", Sys.UNSHARE, Arg.of(Linux.CLONE_NEWCGROUP));
        }
        if (request.announceStart()) {
            permission = Optional.of(announce());
        }
        if (resources.landlock().isUsable()) {
            confine(resources.landlock(), descriptors.files().size());
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
        resources.enforcement().rlimits().limits().forEach(this::limit);
        dropPrivileges();
        request.workDirectory()
                .ifPresent(directory ->
                        b.call(
                                "enter work directory",
                                directory,
                                Sys.CHDIR,
                                b.string(directory).address()));
        b.call(
                "measure",
                "set-up",
                Sys.CLOCK_GETTIME,
                Arg.of(Linux.CLOCK_PROCESS_CPUTIME_ID),
                outcome.setUpCpu.address());
        readClock(outcome.started); // init may be late to notice the start
        if (!filter.isEmpty()) {
            install();
        }
        placed.last().ifPresent(source -> place(source, Linux.SOCK));
        execute(placed.executable());
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

    // ---- the result -------------------------------------------------------------------------

    private Exchange<ExecveReply> finish(CgroupRun group, ProgramResult result)
            throws BadReplyException {
        result.closeDescriptors();
        boolean clean = result.of(steps.reap) == -Errno.ECHILD.number();
        Optional<SyscallFailure> failure = result.failure(program);
        if (!clean) {
            Failure reason = failure.map(Failures::of).orElseGet(ExecveHandler::notClean);
            return new Exchange.Doomed<>(reason, "processes may be left after a run");
        }
        if (permission.isPresent() && wasRefused(result, permission.get())) {
            return new Exchange.Done<>(
                    Failure.of(
                            Failure.Kind.REFUSED,
                            request.arguments().getFirst(),
                            "the caller refused the start of the program"));
        }
        boolean restored = steps.restored.stream().allMatch(step -> result.of(step) == 0);
        if (failure.isPresent()) {
            return restored
                    ? explain(result, failure.get())
                    : new Exchange.Doomed<>(Failures.of(failure.get()), DISK_NOT_RESTORED);
        }
        if (result.of(steps.own) != result.of(steps.fork)) {
            return new Exchange.Doomed<>(
                    Failure.of(Failure.Kind.INTERNAL, "init reaped another process"),
                    "a run's process was lost");
        }
        CgroupFigures figures;
        try {
            figures = group.end();
        } catch (IOException e) {
            return new Exchange.Doomed<>(
                    Failure.of(
                            Failure.Kind.INTERNAL,
                            "the run could not be measured: " + e.getMessage()),
                    "its control group cannot be read");
        }
        ExecveResult measured =
                measured(result.of(steps.watch), result.bytes(program, outcome.all), figures);
        return restored
                ? new Exchange.Done<>(measured)
                : new Exchange.Doomed<>(measured, DISK_NOT_RESTORED);
    }

    private static Failure notClean() {
        return Failure.of(Failure.Kind.INTERNAL, "processes may be left after a run");
    }

    private static boolean wasRefused(ProgramResult result, Step permission) {
        return !result.ran(permission) || result.failedAt(permission);
    }

    private ExecveResult measured(long watched, ByteBuffer bytes, CgroupFigures figures)
            throws BadReplyException {
        Duration created = ProcessStructs.readTimespec(bytes, offset(outcome.created));
        Duration started = ProcessStructs.readTimespec(bytes, offset(outcome.started));
        Duration ended = ProcessStructs.readTimespec(bytes, offset(outcome.ended));
        boolean exitedFirst = ProcessStructs.polled(bytes, offset(outcome.poll), POLL_PROGRAM) != 0;
        boolean asked = ProcessStructs.polled(bytes, offset(outcome.poll), POLL_SOCKET) != 0;
        boolean killed = asked && !exitedFirst;
        Usage usage = usage(bytes, figures);
        Termination termination = termination(bytes.getInt(offset(outcome.status)));
        return new ExecveResult(
                termination,
                usage,
                ended.minus(started),
                started.minus(created),
                fired(watched, killed, termination, usage, figures),
                killed,
                resources.enforcement().enforced(),
                new Evidence(
                        figures.oomKills(),
                        figures.processesRefused(),
                        Optional.empty(),
                        List.of(),
                        false));
    }

    private Usage usage(ByteBuffer bytes, CgroupFigures figures) throws BadReplyException {
        ProcessStructs.Rusage before = ProcessStructs.Rusage.read(bytes, offset(outcome.before));
        ProcessStructs.Rusage after = ProcessStructs.Rusage.read(bytes, offset(outcome.after));
        ProcessStructs.Rusage own = ProcessStructs.Rusage.read(bytes, offset(outcome.own));
        Duration setUp = ProcessStructs.readTimespec(bytes, offset(outcome.setUpCpu));
        Duration user = nonNegative(after.user().minus(before.user()));
        Duration system = nonNegative(after.system().minus(before.system()).minus(setUp));
        Duration reaped = user.plus(system);
        Duration cpu = nonNegative(groupCpu(bytes).minus(setUp));
        ByteSize resident = ByteSize.ofBytes(own.maxResidentBytes());
        // mapped files are resident, but not charged to whoever maps them second
        long atLeast =
                Math.min(
                        own.maxResidentBytes(),
                        request.limits().memory().map(ByteSize::bytes).orElse(Long.MAX_VALUE));
        OptionalLong used = figures.processesPeakBytes();
        Optional<ByteSize> peak =
                used.isPresent()
                        ? Optional.of(ByteSize.ofBytes(Math.max(used.getAsLong(), atLeast)))
                        : Optional.empty();
        return new Usage(
                cpu.compareTo(reaped) > 0 ? cpu : reaped,
                user,
                system,
                peak.orElse(resident),
                peak.isEmpty()
                        ? MemorySource.RUSAGE
                        : shape.countsInit()
                                ? MemorySource.CGROUP_V1_MAX_USAGE
                                : MemorySource.CGROUP_V2_PEAK,
                resident,
                figures.processesPeak());
    }

    /** CPU time of all processes that there were, as far as the group tells. */
    private Duration groupCpu(ByteBuffer bytes) throws BadReplyException {
        if (shape.nanosPerUnit().isEmpty()) {
            return Duration.ZERO;
        }
        long units = number(bytes, outcome.cpuAfter) - number(bytes, outcome.cpuBefore);
        Duration all = Duration.ofNanos(units * shape.nanosPerUnit().getAsLong());
        if (!shape.countsInit()) {
            return all;
        }
        ProcessStructs.Rusage before =
                ProcessStructs.Rusage.read(bytes, offset(outcome.initBefore));
        ProcessStructs.Rusage after = ProcessStructs.Rusage.read(bytes, offset(outcome.initAfter));
        return all.minus(after.user().minus(before.user()))
                .minus(after.system().minus(before.system()));
    }

    /** The first decimal number of a text. */
    private long number(ByteBuffer bytes, Data text) throws BadReplyException {
        int at = offset(text);
        int end = at + text.size();
        while (at < end && !isDigit(bytes.get(at))) {
            at++;
        }
        if (at == end) {
            throw new BadReplyException("a CPU time without a number");
        }
        long value = 0;
        for (; at < end && isDigit(bytes.get(at)); at++) {
            value = value * 10 + bytes.get(at) - '0';
        }
        return value;
    }

    private static boolean isDigit(byte c) {
        return c >= '0' && c <= '9';
    }

    private static Duration nonNegative(Duration duration) {
        return duration.isNegative() ? Duration.ZERO : duration;
    }

    private int offset(Data part) {
        return (int) (part.at() - outcome.all.at());
    }

    private static Termination termination(int status) {
        if (WaitStatus.exited(status)) {
            return new Termination.Exited(WaitStatus.exitCode(status));
        }
        int signal = WaitStatus.signal(status);
        return new Termination.Signalled(
                signal, Signals.name(signal), WaitStatus.coreDumped(status));
    }

    /**
     * The limit that was hit, on evidence alone: the kernel's counts of OOM kills and of refused
     * forks, init's own clock, the CPU time used. A signal proves nothing, for a program can send
     * itself any; the exception is SIGXFSZ, which has no other trace and which nobody gains from.
     *
     * <p>An OOM kill comes before a time limit, since nothing runs after that one.
     */
    private Optional<Limit> fired(
            long watched,
            boolean killed,
            Termination termination,
            Usage usage,
            CgroupFigures figures) {
        Limits limits = request.limits();
        if (figures.oomKills() > 0) {
            return Optional.of(Limit.MEMORY);
        }
        if (watched == 0) {
            return Optional.of(Limit.WALL_TIME);
        }
        boolean overCpu =
                limits.cpuTime().filter(limit -> usage.cpuTime().compareTo(limit) > 0).isPresent();
        if (watched == -Errno.ETIME.number() || overCpu) {
            return Optional.of(Limit.CPU_TIME);
        }
        if (killed) {
            return Optional.empty();
        }
        boolean overMemory =
                usage.memorySource() == MemorySource.RUSAGE
                        && limits.memory()
                                .filter(limit -> usage.memory().compareTo(limit) >= 0)
                                .isPresent();
        if (overMemory) {
            return Optional.of(Limit.MEMORY);
        }
        if (limits.fileSize().isPresent()
                && termination instanceof Termination.Signalled signalled
                && signalled.signal() == Linux.SIGXFSZ) {
            return Optional.of(Limit.FILE_SIZE);
        }
        return figures.processesRefused() > 0 ? Optional.of(Limit.PROCESSES) : Optional.empty();
    }

    // ---- failures ---------------------------------------------------------------------------

    /** A failure before the program's first instruction; the container is as it was. */
    private Exchange<ExecveReply> explain(ProgramResult result, SyscallFailure failure) {
        if (diskLimits.stream().anyMatch(result::failedAt)
                && failure.errno().equals(Errno.EINVAL)) {
            return new Exchange.Done<>(
                    Failure.of(
                            Failure.Kind.TOO_LARGE,
                            failure.subject(),
                            "there is more on the disk already than its limit allows: copy less"
                                    + " in, or raise the limit"));
        }
        boolean executing = executions.stream().anyMatch(result::failedAt);
        if (!executing) {
            return new Exchange.Done<>(Failures.of(failure));
        }
        SyscallFailure telling =
                executions.stream()
                        .map(result::failureOf)
                        .flatMap(Optional::stream)
                        .filter(f -> !isMiss(f.errno()))
                        .findFirst()
                        .orElse(failure);
        Errno errno = telling.errno();
        if (!isMiss(errno)) {
            return new Exchange.Done<>(Failures.of(kind(errno), telling));
        }
        return request.executable() instanceof Executable.OfDescriptor
                ? new Exchange.Done<>(Failures.of(Failure.Kind.BAD_INTERPRETER, telling))
                : lookFor(telling);
    }

    private static boolean isMiss(Errno errno) {
        return errno.equals(Errno.ENOENT) || errno.equals(Errno.ENOTDIR);
    }

    private static Failure.Kind kind(Errno errno) {
        if (errno.equals(Errno.EACCES)
                || errno.equals(Errno.ENOEXEC)
                || errno.equals(Errno.EISDIR)
                || errno.equals(Errno.EPERM)) {
            return Failure.Kind.NOT_EXECUTABLE;
        }
        if (errno.equals(Errno.E2BIG) || errno.equals(Errno.ENAMETOOLONG)) {
            return Failure.Kind.TOO_LARGE;
        }
        if (errno.equals(Errno.ELIBBAD)) {
            return Failure.Kind.BAD_INTERPRETER;
        }
        return errno.equals(Errno.EBADF) ? Failure.Kind.BAD_DESCRIPTOR : Failure.Kind.SYSCALL;
    }

    /** ENOENT is the file's absence or its interpreter's: another program asks which. */
    private Exchange<ExecveReply> lookFor(SyscallFailure failure) {
        SyscallProgram.Builder look = SyscallProgram.named("look for executable");
        request.workDirectory()
                .ifPresent(directory ->
                        look.call(
                                "enter work directory",
                                directory,
                                Sys.CHDIR,
                                look.string(directory).address()));
        List<Step> looks = new ArrayList<>();
        for (Step execution : executions) {
            looks.add(
                    look.call(
                                    "look for",
                                    execution.subject(),
                                    Sys.FACCESSAT2,
                                    Arg.AT_FDCWD,
                                    look.string(execution.subject()).address(),
                                    Arg.of(Linux.F_OK),
                                    Arg.ZERO)
                            .continuing());
        }
        String home = context.config().workDirectory();
        look.call("return to", home, Sys.CHDIR, look.string(home).address()).always();
        SyscallProgram program = look.build();
        return new Exchange.Run<>(
                program,
                result -> {
                    Optional<SyscallFailure> lost = result.failure(program);
                    if (lost.isPresent()) {
                        return new Exchange.Doomed<>(
                                Failures.of(failure), "init left its work directory");
                    }
                    boolean exists = looks.stream().anyMatch(step -> result.of(step) == 0);
                    return new Exchange.Done<>(
                            Failures.of(
                                    exists ? Failure.Kind.BAD_INTERPRETER : Failure.Kind.NOT_FOUND,
                                    failure));
                });
    }
}
