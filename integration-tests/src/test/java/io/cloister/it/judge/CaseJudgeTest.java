// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.run.Usage;
import io.cloister.supervisor.judge.JudgeStatus;
import io.cloister.supervisor.judge.Verdict;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CaseJudgeTest {
    /** By the rules of the format's own tools. */
    @ParameterizedTest
    @CsvSource({
        // validator, submission, validator first, verdict
        "42, AC, false, AC",
        "42, AC, true, AC",
        "43, AC, false, WA",
        "43, AC, true, WA",
        // the submission must end well
        "42, RTE, true, RTE",
        "42, TLE, true, TLE",
        "42, MLE, false, MLE",
        "42, OLE, false, OLE",
        // a validator that rejects before the submission fails is right
        "43, RTE, true, WA",
        "43, TLE, true, WA",
        "43, MLE, true, WA",
        // one that rejects what came of a failure is not
        "43, RTE, false, RTE",
        "43, TLE, false, TLE",
        // anything else is the validator's failure
        "0, AC, false, JE",
        "1, AC, false, JE",
        "41, RTE, false, JE",
        "139, TLE, true, JE",
        "42, JE, true, JE",
        "43, JE, true, JE",
    })
    void shouldDecideInteractions(
            int code, String submission, boolean validatorFirst, String expected) {
        Verdict own = new Verdict(status(submission), Status.OK, "");
        assertThat(CaseJudge.interaction(exited(code), own, validatorFirst).status())
                .isEqualTo(status(expected));
    }

    @Test
    void shouldLetTheValidatorDecideAboutOneThatWroteToNobody() {
        Verdict own = new Verdict(JudgeStatus.RUNTIME_ERROR, Status.SIGNALLED, "SIGPIPE");
        assertThat(CaseJudge.interaction(exited(42), own, true).status())
                .isEqualTo(JudgeStatus.ACCEPTED);
        assertThat(CaseJudge.interaction(exited(43), own, false).status())
                .isEqualTo(JudgeStatus.WRONG_ANSWER);
    }

    @ParameterizedTest
    @CsvSource({"TLE, TLE", "AC, WA", "RTE, RTE"})
    void shouldBlameTheSubmissionWhenTheValidatorWaitsInVain(String own, String expected) {
        ProgramOutcome waits =
                outcome(
                        Status.TIME_LIMIT,
                        new Termination.Signalled(9, "SIGKILL", false),
                        Optional.of(Limit.WALL_TIME),
                        Evidence.none().asIdle(),
                        "");
        assertThat(
                        CaseJudge.interaction(waits, new Verdict(status(own), Status.OK, ""), false)
                                .status())
                .isEqualTo(status(expected));
    }

    @Test
    void shouldPassOnWhatAValidatorSays() {
        ProgramOutcome rejects =
                outcome(
                        Status.NONZERO_EXIT,
                        new Termination.Exited(43),
                        Optional.empty(),
                        Evidence.none(),
                        "not 7");
        assertThat(CaseJudge.verdict(rejects))
                .isEqualTo(new Verdict(JudgeStatus.WRONG_ANSWER, Status.OK, "not 7"));
    }

    @Test
    void shouldNotTakeAValidatorsEndByALimitForItsWord() {
        ProgramOutcome late =
                outcome(
                        Status.TIME_LIMIT,
                        new Termination.Exited(42),
                        Optional.of(Limit.CPU_TIME),
                        Evidence.none(),
                        "");
        assertThat(CaseJudge.verdict(late).status()).isEqualTo(JudgeStatus.INTERNAL_ERROR);
    }

    private static JudgeStatus status(String abbreviation) {
        for (JudgeStatus each : JudgeStatus.values()) {
            if (each.abbreviation().equals(abbreviation)) {
                return each;
            }
        }
        throw new IllegalArgumentException(abbreviation);
    }

    private static ProgramOutcome exited(int code) {
        return outcome(
                code == 0 ? Status.OK : Status.NONZERO_EXIT,
                new Termination.Exited(code),
                Optional.empty(),
                Evidence.none(),
                "");
    }

    private static ProgramOutcome outcome(
            Status status,
            Termination termination,
            Optional<Limit> limit,
            Evidence evidence,
            String message) {
        return new ProgramOutcome(
                status,
                Optional.empty(),
                Optional.of(termination),
                limit,
                Usage.none(),
                Duration.ZERO,
                Duration.ZERO,
                Map.of(),
                message.isEmpty()
                        ? Map.of()
                        : Map.of("feedback/judgemessage.txt", Content.ofUtf8(message)),
                List.of(),
                evidence);
    }
}
