// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

import io.cloister.protocol.run.MemorySource;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.unit.ByteSize;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What came of a submission.
 *
 * @param deciding the verdict that decided
 * @param compilation what compiling took; absent when it was not reached
 * @param compilerOutput what the compiler said, its beginning
 * @param cases those that were run, in order: all, or up to the first that failed
 */
public record Judgement(
        Verdict deciding,
        Optional<Figures> compilation,
        String compilerOutput,
        List<CaseJudgement> cases) {
    public Judgement {
        cases = List.copyOf(cases);
    }

    /** One case; the figures are absent when the program did not run. */
    public record CaseJudgement(String name, Verdict verdict, Optional<Figures> figures) {}

    /**
     * What a run took.
     *
     * @param cpuTime user and system time
     * @param memory the peak of all processes together, as far as the worker can measure that
     * @param memorySource where that comes from
     */
    public record Figures(
            Duration cpuTime,
            Duration wallTime,
            Duration setUp,
            ByteSize memory,
            MemorySource memorySource) {
        public static Figures of(ProgramOutcome result) {
            return new Figures(
                    result.usage().cpuTime(),
                    result.wallTime(),
                    result.setUpTime(),
                    result.usage().memory(),
                    result.usage().memorySource());
        }

        private static Figures most(Figures a, Figures b) {
            return new Figures(
                    max(a.cpuTime, b.cpuTime),
                    max(a.wallTime, b.wallTime),
                    max(a.setUp, b.setUp),
                    max(a.memory, b.memory),
                    a.memorySource);
        }

        private static <T extends Comparable<T>> T max(T a, T b) {
            return Comparator.<T>naturalOrder().compare(a, b) >= 0 ? a : b;
        }
    }

    /** The largest of each figure over all cases. */
    public Optional<Figures> most() {
        return cases.stream().flatMap(one -> one.figures().stream()).reduce(Figures::most);
    }
}
