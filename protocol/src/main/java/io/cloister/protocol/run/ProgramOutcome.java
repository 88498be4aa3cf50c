// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.Failure;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What came of one program.
 *
 * @param failure what failed, for {@link Status#FILE_ERROR} and {@link Status#INTERNAL_ERROR}
 * @param termination absent for a program that did not run
 * @param limit the limit that was hit, if one was; with {@link Limit#PROCESSES} the program went
 *     on, and its status is that of its own end
 * @param wallTime from its start, just before its execve(2), to its end
 * @param setUpTime from the command's arrival at init to the program's start
 * @param outputs of the streams that were collected, by descriptor number; a terminal's by 1
 * @param files that were copied out, by path as it was asked for; {@link Content.Inline} or {@link
 *     Content.Stored}
 * @param enforced the limits that were in force
 */
public record ProgramOutcome(
        Status status,
        Optional<Failure> failure,
        Optional<Termination> termination,
        Optional<Limit> limit,
        Usage usage,
        Duration wallTime,
        Duration setUpTime,
        Map<Integer, Output> outputs,
        Map<String, Content> files,
        List<Enforced> enforced,
        Evidence evidence) {
    public ProgramOutcome {
        Objects.requireNonNull(status, "status");
        Objects.requireNonNull(failure, "failure");
        Objects.requireNonNull(termination, "termination");
        Objects.requireNonNull(limit, "limit");
        Objects.requireNonNull(usage, "usage");
        Check.measured("wall time", wallTime);
        Check.measured("set-up time", setUpTime);
        outputs = Check.map("outputs", outputs, Execve.MAX_DESCRIPTORS);
        for (int number : outputs.keySet()) {
            Check.range("descriptor number", number, 0, Execve.MAX_DESCRIPTOR_NUMBER);
        }
        files = Check.map("files", files, Program.MAX_FILES);
        files.forEach((path, content) -> {
            Check.pathInside("path", path);
            Check.that(
                    !(content instanceof Content.HostFile),
                    "a file came out as a path of the host: its content or its id is needed");
        });
        enforced = Check.list("enforced limits", enforced, Enforced.MAX);
        Objects.requireNonNull(evidence, "evidence");
    }

    /** A program that did not run. */
    public static ProgramOutcome notRun(Status status, Failure failure) {
        return new ProgramOutcome(
                status,
                Optional.of(failure),
                Optional.empty(),
                Optional.empty(),
                Usage.none(),
                Duration.ZERO,
                Duration.ZERO,
                Map.of(),
                Map.of(),
                List.of(),
                Evidence.none());
    }
}
