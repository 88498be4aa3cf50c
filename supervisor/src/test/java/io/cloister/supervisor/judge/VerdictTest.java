// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.run.Usage;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class VerdictTest {
    private static final Termination SUCCESS = new Termination.Exited(0);
    private static final Termination KILLED = new Termination.Signalled(9, "SIGKILL", false);
    private static final Termination TOO_LONG = new Termination.Signalled(25, "SIGXFSZ", false);
    private static final Optional<Limit> NONE = Optional.empty();

    @Test
    void shouldAcceptTheRightAnswerOnly() {
        assertThat(Verdict.of(run(SUCCESS, NONE), false, true).status())
                .isEqualTo(JudgeStatus.ACCEPTED);
        assertThat(Verdict.of(run(SUCCESS, NONE), false, false).status())
                .isEqualTo(JudgeStatus.WRONG_ANSWER);
    }

    @Test
    void shouldNotAcceptTheRightAnswerOfAProgramThatFailed() {
        Verdict verdict = Verdict.of(run(new Termination.Exited(3), NONE), false, true);
        assertThat(verdict)
                .isEqualTo(
                        new Verdict(JudgeStatus.RUNTIME_ERROR, Status.NONZERO_EXIT, "exit code 3"));
    }

    @Test
    void shouldTakeASignalForALimitOnlyOnEvidence() {
        assertThat(Verdict.of(run(KILLED, NONE), false, true))
                .isEqualTo(new Verdict(JudgeStatus.RUNTIME_ERROR, Status.SIGNALLED, "SIGKILL"));
        assertThat(Verdict.of(run(TOO_LONG, NONE), false, true).status())
                .isEqualTo(JudgeStatus.RUNTIME_ERROR);
        assertThat(Verdict.of(run(TOO_LONG, NONE), true, true).status())
                .isEqualTo(JudgeStatus.OUTPUT_LIMIT);
    }

    @Test
    void shouldNameTheTimeThatWasUsedUp() {
        assertThat(Verdict.of(run(KILLED, Optional.of(Limit.WALL_TIME)), false, true))
                .isEqualTo(new Verdict(JudgeStatus.TIME_LIMIT, Status.TIME_LIMIT, "wall-time"));
        assertThat(Verdict.of(run(KILLED, Optional.of(Limit.CPU_TIME)), false, true))
                .isEqualTo(new Verdict(JudgeStatus.TIME_LIMIT, Status.TIME_LIMIT, "cpu-time"));
    }

    @Test
    void shouldSeeTooMuchOutputThoughTheProgramIgnoresItsSignal() {
        assertThat(Verdict.of(run(new Termination.Exited(0), NONE), true, true).status())
                .isEqualTo(JudgeStatus.OUTPUT_LIMIT);
    }

    @Test
    void shouldNotBlameTheProgramForFailuresOfOthers() {
        Failure lost = Failure.of(Failure.Kind.CONTAINER_LOST, "gone");
        assertThat(Verdict.of(lost, false, true))
                .isEqualTo(new Verdict(JudgeStatus.INTERNAL_ERROR, Status.INTERNAL_ERROR, "gone"));
        ExecveResult cancelled = result(KILLED, NONE, true);
        assertThat(Verdict.of(cancelled, false, true).status())
                .isEqualTo(JudgeStatus.INTERNAL_ERROR);
    }

    private static ExecveResult run(Termination termination, Optional<Limit> limit) {
        return result(termination, limit, false);
    }

    private static ExecveResult result(
            Termination termination, Optional<Limit> limit, boolean killed) {
        return new ExecveResult(
                termination,
                Usage.none(),
                Duration.ZERO,
                Duration.ZERO,
                limit,
                killed,
                List.of(),
                Evidence.none());
    }
}
