// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.cgroup.CgroupFigures;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.BadReplyException;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProcessStructs;
import io.cloister.nativeio.program.ProcessStructs.Rusage;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.run.Enforced;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.MemorySource;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.run.Usage;
import io.cloister.protocol.unit.ByteSize;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What init measures of a run, in one piece so that one reply brings it all; and what follows from
 * that, together with the figures of the run's control group.
 */
final class Measurement {
    private static final int POLL_PROGRAM = 0;
    private static final int POLL_SOCKET = 1;

    /** Room for what a file of CPU time says, as far as it matters. */
    private static final int CPU_TEXT = 64;

    private final SyscallProgram.Builder b;
    private final Limits limits;
    private final List<Enforced> enforced;
    private final GroupShape shape;
    private final Optional<Arg> cpuFile;
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

    /**
     * @param enforced what is in force of the limits
     * @param cpuFile that of the group's CPU time
     */
    Measurement(
            SyscallProgram.Builder b,
            Limits limits,
            List<Enforced> enforced,
            GroupShape shape,
            Optional<Arg> cpuFile) {
        this.b = b;
        this.limits = limits;
        this.enforced = enforced;
        this.shape = shape;
        this.cpuFile = cpuFile;
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

    // ---- steps, in their order --------------------------------------------------------------

    /** Before anything of the run uses time. */
    void begin() {
        measureChildren("children before", before);
        measureGroup(cpuBefore, initBefore);
    }

    /** Before the fork. */
    void fork() {
        readClock(created);
    }

    /** In the child, before it executes: init may be late to notice that it has. */
    void start() {
        b.call(
                "measure",
                "set-up",
                Sys.CLOCK_GETTIME,
                Arg.of(Linux.CLOCK_PROCESS_CPUTIME_ID),
                setUpCpu.address());
        readClock(started);
    }

    /**
     * What init waits for: the program's end, or a word of the worker's.
     *
     * @return two pollfds; the first one's descriptor is where a pidfd of the program lands
     */
    Data awaited() {
        ProcessStructs.putPollFd(b, poll, POLL_PROGRAM, 0, Linux.POLLIN);
        ProcessStructs.putPollFd(b, poll, POLL_SOCKET, Linux.SOCK, Linux.POLLIN);
        return poll;
    }

    /** After the wait. */
    void end() {
        readClock(ended);
    }

    /** Reaps the program itself. */
    Step reap(String subject, Arg pid) {
        return b.call(
                        "reap",
                        subject,
                        Sys.WAIT4,
                        pid,
                        status.address(),
                        Arg.of(Linux.__WALL),
                        own.address())
                .always();
    }

    /** After all processes are reaped. */
    void finish() {
        measureChildren("children after", after);
        measureGroup(cpuAfter, initAfter);
    }

    /** What the reply must bring for {@link #read}. */
    Data all() {
        return all;
    }

    private void measureChildren(String subject, Data into) {
        b.call("measure", subject, Sys.GETRUSAGE, Arg.of(Linux.RUSAGE_CHILDREN), into.address())
                .always();
    }

    /** The group's CPU time, and init's own where that is part of it. */
    private void measureGroup(Data into, Data ofInit) {
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

    private void readClock(Data into) {
        b.call("read", "clock", Sys.CLOCK_GETTIME, Arg.of(Linux.CLOCK_MONOTONIC), into.address());
    }

    // ---- what came of it --------------------------------------------------------------------

    /**
     * @param watched the wait's result
     * @param bytes what came for {@link #all}
     */
    ExecveResult read(long watched, ByteBuffer bytes, CgroupFigures figures)
            throws BadReplyException {
        Duration start = time(bytes, started);
        boolean exitedFirst = ProcessStructs.polled(bytes, offset(poll), POLL_PROGRAM) != 0;
        boolean asked = ProcessStructs.polled(bytes, offset(poll), POLL_SOCKET) != 0;
        boolean killed = asked && !exitedFirst;
        Usage usage = usage(bytes, figures);
        Termination termination = termination(bytes.getInt(offset(status)));
        return new ExecveResult(
                termination,
                usage,
                time(bytes, ended).minus(start),
                start.minus(time(bytes, created)),
                fired(watched, killed, termination, usage, figures),
                killed,
                enforced,
                new Evidence(
                        figures.oomKills(),
                        figures.processesRefused(),
                        Optional.empty(),
                        List.of(),
                        false));
    }

    private Usage usage(ByteBuffer bytes, CgroupFigures figures) throws BadReplyException {
        Rusage first = rusage(bytes, before);
        Rusage last = rusage(bytes, after);
        long maxResident = rusage(bytes, own).maxResidentBytes();
        Duration setUp = time(bytes, setUpCpu);
        Duration user = nonNegative(last.user().minus(first.user()));
        Duration system = nonNegative(last.system().minus(first.system()).minus(setUp));
        Duration reaped = user.plus(system);
        Duration cpu = nonNegative(groupCpu(bytes).minus(setUp));
        ByteSize resident = ByteSize.ofBytes(maxResident);
        // mapped files are resident, but not charged to whoever maps them second
        long atLeast =
                Math.min(maxResident, limits.memory().map(ByteSize::bytes).orElse(Long.MAX_VALUE));
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
        long units = number(bytes, cpuAfter) - number(bytes, cpuBefore);
        Duration used = Duration.ofNanos(units * shape.nanosPerUnit().getAsLong());
        if (!shape.countsInit()) {
            return used;
        }
        Rusage first = rusage(bytes, initBefore);
        Rusage last = rusage(bytes, initAfter);
        return used.minus(last.user().minus(first.user()))
                .minus(last.system().minus(first.system()));
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

    private Duration time(ByteBuffer bytes, Data at) throws BadReplyException {
        return ProcessStructs.readTimespec(bytes, offset(at));
    }

    private Rusage rusage(ByteBuffer bytes, Data at) throws BadReplyException {
        return Rusage.read(bytes, offset(at));
    }

    private static boolean isDigit(byte c) {
        return c >= '0' && c <= '9';
    }

    private static Duration nonNegative(Duration duration) {
        return duration.isNegative() ? Duration.ZERO : duration;
    }

    private int offset(Data part) {
        return (int) (part.at() - all.at());
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
}
