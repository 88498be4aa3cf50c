// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.unit.ByteSize;
import java.time.Duration;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * What a run used.
 *
 * @param cpuTime user and system time: with a control group, of every process there was; without
 *     one, of those that were waited for
 * @param userCpu CPU time in user mode of the processes that were waited for
 * @param systemCpu CPU time in the kernel of the processes that were waited for
 * @param memory the peak, as {@code memorySource} measures it, and never below {@code
 *     maxResidentSet}
 * @param maxResidentSet largest resident set of any one process that was waited for, ru_maxrss
 * @param peakProcesses most processes and threads at a time; absent where the kernel does not tell
 */
public record Usage(
        Duration cpuTime,
        Duration userCpu,
        Duration systemCpu,
        ByteSize memory,
        MemorySource memorySource,
        ByteSize maxResidentSet,
        OptionalInt peakProcesses) {
    private static final Usage NONE = ofRusage(Duration.ZERO, Duration.ZERO, ByteSize.ofBytes(0));

    public Usage {
        Check.measured("CPU time", cpuTime);
        Check.measured("user CPU time", userCpu);
        Check.measured("system CPU time", systemCpu);
        Objects.requireNonNull(memory, "memory");
        Objects.requireNonNull(memorySource, "memorySource");
        Objects.requireNonNull(maxResidentSet, "maxResidentSet");
        if (peakProcesses.isPresent()) {
            Check.range("peak of processes", peakProcesses.getAsInt(), 0, Integer.MAX_VALUE);
        }
    }

    /** What getrusage(2) alone tells. */
    public static Usage ofRusage(Duration user, Duration system, ByteSize maxResidentSet) {
        return new Usage(
                user.plus(system),
                user,
                system,
                maxResidentSet,
                MemorySource.RUSAGE,
                maxResidentSet,
                OptionalInt.empty());
    }

    /** Of a program that did not run. */
    public static Usage none() {
        return NONE;
    }
}
