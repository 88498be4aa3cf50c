// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Limit;
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
     * Decides on evidence: what the file of the output shows, which limit init or the kernel
     * enforced, how the program ended; and only then whether the answer is right. A signal alone
     * proves no limit, for a program can send itself any.
     *
     * @param outputExceeded the program wrote more than it was allowed
     * @param answerIsRight what it printed is what was asked for
     */
    public static Verdict of(ExecveReply reply, boolean outputExceeded, boolean answerIsRight) {
        return switch (reply) {
            case Failure failure ->
                    new Verdict(
                            JudgeStatus.INTERNAL_ERROR, Status.INTERNAL_ERROR, failure.describe());
            case ExecveResult result -> of(result, outputExceeded, answerIsRight);
        };
    }

    private static Verdict of(ExecveResult result, boolean outputExceeded, boolean answerIsRight) {
        if (result.killed()) {
            return new Verdict(JudgeStatus.INTERNAL_ERROR, Status.CANCELLED, "cancelled");
        }
        if (outputExceeded) {
            return new Verdict(JudgeStatus.OUTPUT_LIMIT, Status.OUTPUT_LIMIT, "");
        }
        if (result.limit().isPresent()) {
            Limit limit = result.limit().get();
            if (limit == Limit.WALL_TIME || limit == Limit.CPU_TIME) {
                return new Verdict(JudgeStatus.TIME_LIMIT, Status.TIME_LIMIT, limit.text());
            }
        }
        return switch (result.termination()) {
            case Termination.Signalled signalled ->
                    new Verdict(
                            JudgeStatus.RUNTIME_ERROR, Status.SIGNALLED, signalled.signalName());
            case Termination.Exited(int code) when code != 0 ->
                    new Verdict(
                            JudgeStatus.RUNTIME_ERROR, Status.NONZERO_EXIT, "exit code " + code);
            case Termination.Exited exited ->
                    answerIsRight
                            ? new Verdict(JudgeStatus.ACCEPTED, Status.OK, "")
                            : new Verdict(JudgeStatus.WRONG_ANSWER, Status.OK, "");
        };
    }
}
