// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;

/** Whose fault it is that a run was not carried out. */
final class Blame {
    private Blame() {}

    /** Whether another worker may do better. */
    static boolean isWorkers(RunResult result) {
        return result.results().stream().anyMatch(Blame::isWorkers);
    }

    /** Whether a container was lost on the way, or there was none to be had. */
    static boolean isContainers(RunResult result) {
        return result.results().stream()
                .flatMap(outcome -> outcome.failure().stream())
                .anyMatch(failure ->
                        failure.kind() == Failure.Kind.CONTAINER_LOST
                                || failure.kind() == Failure.Kind.UNAVAILABLE);
    }

    private static boolean isWorkers(ProgramOutcome outcome) {
        return outcome.status() == Status.INTERNAL_ERROR
                && outcome.failure().map(failure -> isWorkers(failure.kind())).orElse(true);
    }

    private static boolean isWorkers(Failure.Kind kind) {
        return switch (kind) {
            case INVALID_REQUEST,
                    NOT_FOUND,
                    NOT_EXECUTABLE,
                    BAD_INTERPRETER,
                    TOO_LARGE,
                    REFUSED,
                    NOT_A_REGULAR_FILE,
                    NOT_EMPTY,
                    NOT_ENFORCEABLE ->
                    false;
            case BUSY,
                    BAD_DESCRIPTOR,
                    ALREADY_CONFIGURED,
                    NOT_CONFIGURED,
                    SYSCALL,
                    CONTAINER_LOST,
                    DEADLINE,
                    UNAVAILABLE,
                    INTERNAL ->
                    true;
        };
    }
}
