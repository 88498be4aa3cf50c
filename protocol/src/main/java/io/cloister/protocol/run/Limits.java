// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.unit.ByteSize;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/**
 * The limits of one program and all that it starts. What is absent is not limited. docs/limits.md
 * says how each is enforced with cgroup v2, v1 and without.
 *
 * @param wallTime after which init kills everything: above 0, at most 24 hours
 * @param cpuTime user and system time of all processes and threads together
 * @param memory of all processes together, without swap: at least 64 KiB
 * @param processes processes and threads at a time: at least 1
 * @param output bytes that may be written to each collected stream
 * @param fileSize length of any file that the program writes, RLIMIT_FSIZE
 * @param stack of the main thread, RLIMIT_STACK; a quarter of it bounds argv and environment
 * @param openFiles one more than the highest descriptor number, RLIMIT_NOFILE
 * @param addressSpace virtual memory of each process, RLIMIT_AS
 * @param dataSegment heap and private writable mappings of each process, RLIMIT_DATA
 * @param diskSize bytes in each writable file system of the container, in whole pages: at least 1
 * @param diskFiles files and directories in each writable file system of the container
 * @param cpuRate thousandths of a core that all processes together may use: at least 10
 * @param cpuSet the cores to run on, as {@code 0-1,4}: the list format of cpuset(7)
 * @param allowLess run even if this worker can enforce some of them only in part or not at all; the
 *     result says what was enforced
 */
public record Limits(
        Duration wallTime,
        Optional<Duration> cpuTime,
        Optional<ByteSize> memory,
        OptionalInt processes,
        Optional<ByteSize> output,
        Optional<ByteSize> fileSize,
        Optional<ByteSize> stack,
        OptionalInt openFiles,
        Optional<ByteSize> addressSpace,
        Optional<ByteSize> dataSegment,
        Optional<ByteSize> diskSize,
        OptionalInt diskFiles,
        OptionalInt cpuRate,
        Optional<String> cpuSet,
        boolean allowLess) {
    public static final Duration MAX_TIME = Duration.ofHours(24);
    public static final ByteSize MIN_MEMORY = ByteSize.ofKiB(64);
    public static final int MIN_CPU_RATE = 10;
    public static final int MAX_CPU_RATE = 1_000_000;
    private static final int MAX_PROCESSES = 4_000_000; // PID_MAX_LIMIT
    private static final int MAX_OPEN_FILES = 1 << 20;
    private static final Pattern CPU_LIST =
            Pattern.compile("\\d{1,4}(-\\d{1,4})?(,\\d{1,4}(-\\d{1,4})?)*");
    private static final int MAX_CPU_LIST = 256;
    private static final Duration LEAST_TIME = Duration.ofNanos(1);
    private static final Limits STANDARD = builder().build();

    public Limits {
        Check.duration("wall time limit", wallTime, LEAST_TIME, MAX_TIME);
        cpuTime.ifPresent(time -> Check.duration("CPU time limit", time, LEAST_TIME, MAX_TIME));
        memory.ifPresent(
                size -> Check.range("memory limit", size.bytes(), MIN_MEMORY.bytes(), 1L << 50));
        // 0 would mean no limit to tmpfs(5)
        diskSize.ifPresent(size -> Check.range("disk size limit", size.bytes(), 1, 1L << 50));
        range("process limit", processes, 1, MAX_PROCESSES);
        range("limit of open files", openFiles, 1, MAX_OPEN_FILES);
        range("limit of files on disk", diskFiles, 1, Integer.MAX_VALUE);
        range("CPU rate in thousandths of a core", cpuRate, MIN_CPU_RATE, MAX_CPU_RATE);
        cpuSet.ifPresent(list ->
                Check.that(
                        list.length() <= MAX_CPU_LIST && CPU_LIST.matcher(list).matches(),
                        () ->
                                "CPU set %s is no list of cores: write it as 0-1,4"
                                        .formatted(Check.quoted(list))));
    }

    private static void range(String what, OptionalInt value, int min, int max) {
        if (value.isPresent()) {
            Check.range(what, value.getAsInt(), min, max);
        }
    }

    /** Ten seconds of wall time and no other limit. */
    public static Limits standard() {
        return STANDARD;
    }

    /** A builder that starts with ten seconds of wall time and no other limit. */
    public static Builder builder() {
        return new Builder();
    }

    public Builder toBuilder() {
        Builder builder = new Builder();
        builder.wallTime = wallTime;
        builder.cpuTime = cpuTime;
        builder.memory = memory;
        builder.processes = processes;
        builder.output = output;
        builder.fileSize = fileSize;
        builder.stack = stack;
        builder.openFiles = openFiles;
        builder.addressSpace = addressSpace;
        builder.dataSegment = dataSegment;
        builder.diskSize = diskSize;
        builder.diskFiles = diskFiles;
        builder.cpuRate = cpuRate;
        builder.cpuSet = cpuSet;
        builder.allowLess = allowLess;
        return builder;
    }

    /** The same for an execve, which collects nothing. */
    public Limits withoutOutput() {
        Builder builder = toBuilder();
        builder.output = Optional.empty();
        return builder.build();
    }

    /** Puts limits together; all are checked by {@link #build}. Not thread-safe. */
    public static final class Builder {
        private Duration wallTime = Duration.ofSeconds(10);
        private Optional<Duration> cpuTime = Optional.empty();
        private Optional<ByteSize> memory = Optional.empty();
        private OptionalInt processes = OptionalInt.empty();
        private Optional<ByteSize> output = Optional.empty();
        private Optional<ByteSize> fileSize = Optional.empty();
        private Optional<ByteSize> stack = Optional.empty();
        private OptionalInt openFiles = OptionalInt.empty();
        private Optional<ByteSize> addressSpace = Optional.empty();
        private Optional<ByteSize> dataSegment = Optional.empty();
        private Optional<ByteSize> diskSize = Optional.empty();
        private OptionalInt diskFiles = OptionalInt.empty();
        private OptionalInt cpuRate = OptionalInt.empty();
        private Optional<String> cpuSet = Optional.empty();
        private boolean allowLess;

        private Builder() {}

        public Builder wallTime(Duration limit) {
            wallTime = limit;
            return this;
        }

        public Builder cpuTime(Duration limit) {
            cpuTime = Optional.of(limit);
            return this;
        }

        public Builder memory(ByteSize limit) {
            memory = Optional.of(limit);
            return this;
        }

        public Builder processes(int limit) {
            processes = OptionalInt.of(limit);
            return this;
        }

        public Builder output(ByteSize limit) {
            output = Optional.of(limit);
            return this;
        }

        public Builder fileSize(ByteSize limit) {
            fileSize = Optional.of(limit);
            return this;
        }

        public Builder stack(ByteSize limit) {
            stack = Optional.of(limit);
            return this;
        }

        public Builder openFiles(int limit) {
            openFiles = OptionalInt.of(limit);
            return this;
        }

        public Builder addressSpace(ByteSize limit) {
            addressSpace = Optional.of(limit);
            return this;
        }

        public Builder dataSegment(ByteSize limit) {
            dataSegment = Optional.of(limit);
            return this;
        }

        public Builder diskSize(ByteSize limit) {
            diskSize = Optional.of(limit);
            return this;
        }

        public Builder diskFiles(int limit) {
            diskFiles = OptionalInt.of(limit);
            return this;
        }

        /** In thousandths of a core: 1500 is one and a half. */
        public Builder cpuRate(int thousandths) {
            cpuRate = OptionalInt.of(thousandths);
            return this;
        }

        public Builder cpuSet(String cores) {
            cpuSet = Optional.of(cores);
            return this;
        }

        public Builder allowLess(boolean allow) {
            allowLess = allow;
            return this;
        }

        /**
         * Checks everything.
         *
         * @throws io.cloister.protocol.check.InvalidRequest saying what does not fit
         */
        public Limits build() {
            return new Limits(
                    wallTime,
                    cpuTime,
                    memory,
                    processes,
                    output,
                    fileSize,
                    stack,
                    openFiles,
                    addressSpace,
                    dataSegment,
                    diskSize,
                    diskFiles,
                    cpuRate,
                    cpuSet,
                    allowLess);
        }
    }
}
