// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.run.Usage;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class VerdictTest {
    private static final Termination SUCCESS = new Termination.Exited(0);

    @Test
    void shouldAcceptTheRightAnswerOnly() {
        ProgramOutcome ran = outcome(Status.OK, SUCCESS, Optional.empty());
        assertThat(Verdict.of(ran, true).status()).isEqualTo(JudgeStatus.ACCEPTED);
        assertThat(Verdict.of(ran, false).status()).isEqualTo(JudgeStatus.WRONG_ANSWER);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "OK")
    void shouldNotAcceptTheRightAnswerOfAProgramThatFailed(Status status) {
        ProgramOutcome ran = outcome(status, SUCCESS, Optional.empty());
        assertThat(Verdict.of(ran, true).status()).isNotEqualTo(JudgeStatus.ACCEPTED);
        assertThat(Verdict.ofCompilation(ran).status()).isNotEqualTo(JudgeStatus.ACCEPTED);
    }

    @ParameterizedTest
    @CsvSource({
        "TIME_LIMIT, WALL_TIME, TIME_LIMIT, wall-time",
        "TIME_LIMIT, CPU_TIME, TIME_LIMIT, cpu-time",
        "MEMORY_LIMIT, MEMORY, MEMORY_LIMIT, memory",
        "OUTPUT_LIMIT, OUTPUT, OUTPUT_LIMIT, output",
        "OUTPUT_LIMIT, FILE_SIZE, OUTPUT_LIMIT, file-size"
    })
    void shouldNameTheLimit(Status status, Limit limit, JudgeStatus expected, String words) {
        Termination killed = new Termination.Signalled(9, "SIGKILL", false);
        assertThat(Verdict.of(outcome(status, killed, Optional.of(limit)), true))
                .isEqualTo(new Verdict(expected, status, words));
    }

    @Test
    void shouldSayHowAProgramEnded() {
        Termination exit = new Termination.Exited(3);
        assertThat(Verdict.of(outcome(Status.NONZERO_EXIT, exit, Optional.empty()), true))
                .isEqualTo(
                        new Verdict(JudgeStatus.RUNTIME_ERROR, Status.NONZERO_EXIT, "exit code 3"));
        Termination killed = new Termination.Signalled(9, "SIGKILL", false);
        assertThat(Verdict.of(outcome(Status.SIGNALLED, killed, Optional.empty()), true))
                .isEqualTo(new Verdict(JudgeStatus.RUNTIME_ERROR, Status.SIGNALLED, "SIGKILL"));
    }

    @Test
    void shouldNotBlameTheProgramForFailuresOfOthers() {
        ProgramOutcome lost =
                ProgramOutcome.notRun(
                        Status.INTERNAL_ERROR, Failure.of(Failure.Kind.CONTAINER_LOST, "gone"));
        assertThat(Verdict.of(lost, true))
                .isEqualTo(new Verdict(JudgeStatus.INTERNAL_ERROR, Status.INTERNAL_ERROR, "gone"));
        assertThat(Verdict.ofCompilation(lost).status()).isEqualTo(JudgeStatus.INTERNAL_ERROR);
    }

    @Test
    void shouldBlameTheSubmissionForAProgramThatItsCompilerDidNotLeave() {
        ProgramOutcome ran = outcome(Status.FILE_ERROR, SUCCESS, Optional.empty());
        assertThat(Verdict.ofCompilation(ran).status()).isEqualTo(JudgeStatus.COMPILE_ERROR);
        ProgramOutcome noCompiler =
                ProgramOutcome.notRun(
                        Status.FILE_ERROR, Failure.of(Failure.Kind.NOT_FOUND, "gcc", "missing"));
        assertThat(Verdict.ofCompilation(noCompiler).status())
                .isEqualTo(JudgeStatus.INTERNAL_ERROR);
    }

    private static ProgramOutcome outcome(
            Status status, Termination termination, Optional<Limit> limit) {
        return new ProgramOutcome(
                status,
                Optional.empty(),
                Optional.of(termination),
                limit,
                Usage.none(),
                Duration.ZERO,
                Duration.ZERO,
                Map.of(),
                Map.of(),
                List.of(),
                Evidence.none());
    }
}
