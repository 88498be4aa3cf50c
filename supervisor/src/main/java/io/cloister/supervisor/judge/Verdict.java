// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Termination;

/**
 * The judgement of one run.
 *
 * @param detail what became of the program, whatever it printed
 * @param explanation a few words for people; empty when the status says all
 */
public record Verdict(JudgeStatus status, Status detail, String explanation) {

    /**
     * Of a run on a test case.
     *
     * @param answerIsRight what it printed is what was asked for
     */
    public static Verdict of(ProgramOutcome outcome, boolean answerIsRight) {
        JudgeStatus status =
                switch (outcome.status()) {
                    case OK -> answerIsRight ? JudgeStatus.ACCEPTED : JudgeStatus.WRONG_ANSWER;
                    case NONZERO_EXIT, SIGNALLED, DISALLOWED_SYSCALL -> JudgeStatus.RUNTIME_ERROR;
                    case TIME_LIMIT -> JudgeStatus.TIME_LIMIT;
                    case MEMORY_LIMIT -> JudgeStatus.MEMORY_LIMIT;
                    case OUTPUT_LIMIT -> JudgeStatus.OUTPUT_LIMIT;
                    case FILE_ERROR, CANCELLED, INTERNAL_ERROR -> JudgeStatus.INTERNAL_ERROR;
                };
        return new Verdict(status, outcome.status(), explanation(outcome));
    }

    /**
     * Of a compilation that failed. A compiler that ran but left no program, or one that is too
     * large, is the submission's doing; one that could not be started is not.
     */
    public static Verdict ofCompilation(ProgramOutcome outcome) {
        boolean ours =
                outcome.status() == Status.INTERNAL_ERROR
                        || outcome.status() == Status.CANCELLED
                        || outcome.termination().isEmpty();
        return new Verdict(
                ours ? JudgeStatus.INTERNAL_ERROR : JudgeStatus.COMPILE_ERROR,
                outcome.status(),
                explanation(outcome));
    }

    private static String explanation(ProgramOutcome outcome) {
        if (outcome.failure().isPresent()) {
            return outcome.failure().map(Failure::describe).orElse("");
        }
        if (outcome.limit().isPresent()) {
            return outcome.limit().map(Limit::text).orElse("");
        }
        return switch (outcome.status()) {
            case NONZERO_EXIT, SIGNALLED -> outcome.termination().map(Verdict::describe).orElse("");
            default -> "";
        };
    }

    private static String describe(Termination termination) {
        return switch (termination) {
            case Termination.Exited(int code) -> "exit code " + code;
            case Termination.Signalled signalled -> signalled.signalName();
        };
    }
}
