// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.program;

import io.cloister.nativeio.libc.Linux;
import java.nio.ByteBuffer;
import java.time.Duration;

/** Linux structs about time, processes and waiting, by name; {@link Structs} has those of files. */
public final class ProcessStructs {
    private ProcessStructs() {}

    /** A {@code struct timespec} of a span of time: clock_gettime(2). */
    public static Data timespec(SyscallProgram.Builder b, Duration span) {
        Data at = b.reserve(Linux.timespec_SIZE);
        b.putLong(at, Linux.timespec_tv_sec, span.getSeconds());
        b.putLong(at, Linux.timespec_tv_nsec, span.getNano());
        return at;
    }

    /**
     * The {@code struct timespec} at an offset.
     *
     * @throws BadReplyException when it is no time
     */
    public static Duration readTimespec(ByteBuffer bytes, int at) throws BadReplyException {
        long seconds = bytes.getLong(at + Linux.timespec_tv_sec);
        long nanos = bytes.getLong(at + Linux.timespec_tv_nsec);
        if (seconds < 0 || nanos < 0 || nanos >= 1_000_000_000) {
            throw new BadReplyException("a time of %d s and %d ns".formatted(seconds, nanos));
        }
        return Duration.ofSeconds(seconds, nanos);
    }

    /**
     * The limits of {@link SyscallProgram.Builder#watch}.
     *
     * @param cpu none when it is zero
     * @param nanosPerUnit of the file that tells the CPU time used
     * @param cores how many the program can use at a time
     */
    public static Data watch(
            SyscallProgram.Builder b, Duration wall, Duration cpu, long nanosPerUnit, int cores) {
        Data at = b.reserve(Linux.watch_SIZE);
        b.putLong(at, Linux.watch_wall, wall.toNanos());
        b.putLong(at, Linux.watch_cpu, cpu.toNanos());
        b.putLong(at, Linux.watch_scale, nanosPerUnit);
        b.putLong(at, Linux.watch_cores, cores);
        return at;
    }

    /** Fills in element {@code index} of an array of {@code struct pollfd}: poll(2). */
    public static void putPollFd(
            SyscallProgram.Builder b, Data array, int index, int fd, int events) {
        int at = index * Linux.pollfd_SIZE;
        b.putInt(array, at + Linux.pollfd_fd, fd);
        b.putShort(array, at + Linux.pollfd_events, events);
    }

    /** What poll(2) saw on element {@code index} of the array at an offset. */
    public static int polled(ByteBuffer bytes, int at, int index) {
        return Short.toUnsignedInt(
                bytes.getShort(at + index * Linux.pollfd_SIZE + Linux.pollfd_revents));
    }

    /** A {@code struct rlimit64}: prlimit(2). -1 is RLIM_INFINITY. */
    public static Data rlimit(SyscallProgram.Builder b, long soft, long hard) {
        Data at = b.reserve(2 * Long.BYTES);
        b.putLong(at, 0, soft);
        b.putLong(at, Long.BYTES, hard);
        return at;
    }

    /**
     * What getrusage(2) and wait4(2) tell.
     *
     * @param user CPU time in user mode
     * @param system CPU time in the kernel
     * @param maxResidentBytes the largest resident set of any one process
     */
    public record Rusage(Duration user, Duration system, long maxResidentBytes) {
        private static final int TIMEVAL_MICROS = Long.BYTES;

        /**
         * The {@code struct rusage} at an offset.
         *
         * @throws BadReplyException when a field cannot be
         */
        public static Rusage read(ByteBuffer bytes, int at) throws BadReplyException {
            long kibibytes = bytes.getLong(at + Linux.rusage_ru_maxrss);
            if (kibibytes < 0 || kibibytes > Long.MAX_VALUE / 1024) {
                throw new BadReplyException("a resident set of " + kibibytes + " KiB");
            }
            return new Rusage(
                    timeval(bytes, at + Linux.rusage_ru_utime),
                    timeval(bytes, at + Linux.rusage_ru_stime),
                    kibibytes * 1024);
        }

        private static Duration timeval(ByteBuffer bytes, int at) throws BadReplyException {
            long seconds = bytes.getLong(at);
            long micros = bytes.getLong(at + TIMEVAL_MICROS);
            if (seconds < 0 || micros < 0 || micros >= 1_000_000) {
                throw new BadReplyException("a time of %d s and %d us".formatted(seconds, micros));
            }
            return Duration.ofSeconds(seconds, micros * 1000);
        }
    }
}
