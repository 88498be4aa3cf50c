// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

import io.cloister.protocol.unit.ByteSize;
import java.time.Duration;
import java.util.List;

/** What is asked of a submission. */
public record Problem(String title, String statement, Limits limits, List<TestCase> cases) {
    public Problem {
        cases = List.copyOf(cases);
    }

    /**
     * The limits of each run.
     *
     * @param wallMillis wall time, enforced by init
     * @param cpuSeconds CPU time of all processes together
     * @param memoryMiB of all processes together
     * @param processes processes and threads at a time
     * @param outputKiB standard output and standard error, each, and any file
     */
    public record Limits(
            long wallMillis, long cpuSeconds, long memoryMiB, int processes, long outputKiB) {
        public Duration wallTime() {
            return Duration.ofMillis(wallMillis);
        }

        public Duration cpuTime() {
            return Duration.ofSeconds(cpuSeconds);
        }

        public ByteSize memory() {
            return ByteSize.ofMiB(memoryMiB);
        }

        public ByteSize output() {
            return ByteSize.ofKiB(outputKiB);
        }
    }
}
