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
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.message.Executable;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Limits;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
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
    private static final String DISK_NOT_RESTORED = "a tmpfs did not get its size back";

    private static final int CORES = Runtime.getRuntime().availableProcessors();

    /** A longer program is not kept for another run: there may be many containers. */
    private static final int LONGEST_KEPT = 16 << 10;

    /** More than init uses of the processor during a run: it looks ever more often, but seldom. */
    private static final Duration INIT_CPU = Duration.ofMillis(1);

    private final Execve request;
    private final ContainerContext context;
    private final Resources resources;
    private final GroupShape shape;
    private final SyscallProgram.Builder b = SyscallProgram.named("execve");
    private final Measurement measurement;
    private final ProgramStart start;
    private List<Step> diskLimits = List.of();
    private final Steps steps;
    private final SyscallProgram program;

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
        shape = GroupShape.of(group);
        Optional<Arg> cpuFile = group.cpuUsage().map(CpuUsage::file).map(b::descriptor);
        measurement =
                new Measurement(
                        b, request.limits(), resources.enforcement().enforced(), shape, cpuFile);
        start = new ProgramStart(b, request, context, resources, shape.ownGroup(), measurement);
        steps = compose(descriptors, cpuFile, group);
        program = b.build();
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
        return !resources.filter().needsToken() && program.size() <= LONGEST_KEPT;
    }

    /**
     * Whether another run of the same container can be {@link #start started} by this, if it {@link
     * #isWorthKeeping() is kept}.
     */
    public boolean fits(Execve other, SeccompFilter itsFilter) {
        return resources.filter() == itsFilter && request.equals(other);
    }

    /** As {@link #fits(Execve, SeccompFilter)}, of the other run's control group. */
    public boolean fits(CgroupRun group) {
        return shape.equals(GroupShape.of(group));
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

    private Steps compose(
            ExecveDescriptors descriptors, Optional<Arg> cpuFile, CgroupRun runGroup) {
        String subject = request.arguments().getFirst();
        measurement.begin();
        diskLimits = limitDisk(Optional.of(request.limits()));
        Optional<Arg> oomScore = resources.oomScore().map(score -> b.descriptor(score.file()));
        oomScore.ifPresent(file -> setOomScore(file, OomScore.HIGHEST));
        measurement.fork();
        Optional<Arg> group = runGroup.forkInto().map(b::descriptor);
        Data awaited = measurement.awaited();
        long flags = Linux.CLONE_VM | Linux.CLONE_VFORK | Linux.CLONE_PIDFD;
        Step fork =
                b.fork(
                        "start",
                        subject,
                        Integer.toUnsignedLong((int) flags)
                                | (group.isPresent() ? Linux.CLONE_INTO_CGROUP : 0),
                        Linux.SIGCHLD,
                        awaited.address(), // the pidfd lands where poll looks for it
                        group.orElse(Arg.ZERO),
                        () -> start.compose(descriptors));
        Step watch =
                b.watch(
                        "watch",
                        subject,
                        awaited,
                        2,
                        ProcessStructs.watch(
                                b,
                                request.limits().wallTime(),
                                watchedCpuTime(),
                                shape.nanosPerUnit().orElse(1L),
                                CORES),
                        cpuFile.orElse(Arg.of(-1)),
                        fork.result());
        measurement.end();
        Processes.killAll(b);
        resources.oomScore().ifPresent(score -> setOomScore(oomScore.orElseThrow(), score.own()));
        Step wait = measurement.reap(subject, fork.result());
        Step reap = Processes.reapAll(b);
        measurement.finish();
        List<Step> restored = limitDisk(Optional.empty());
        b.reply(measurement.all()).always();
        return new Steps(fork, wait, watch, reap, restored);
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
        if (start.permission().filter(step -> wasRefused(result, step)).isPresent()) {
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
                measurement.read(
                        result.of(steps.watch), result.bytes(program, measurement.all()), figures);
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
        boolean executing = start.executions().stream().anyMatch(result::failedAt);
        if (!executing) {
            return new Exchange.Done<>(Failures.of(failure));
        }
        SyscallFailure telling =
                start.executions().stream()
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
        for (Step execution : start.executions()) {
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
