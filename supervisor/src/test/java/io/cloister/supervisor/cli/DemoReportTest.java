// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.run.MemorySource;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.cli.DemoReport.Outcome;
import io.cloister.supervisor.judge.JudgeStatus;
import io.cloister.supervisor.judge.Judgement;
import io.cloister.supervisor.judge.Judgement.CaseJudgement;
import io.cloister.supervisor.judge.Judgement.Figures;
import io.cloister.supervisor.judge.Verdict;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class DemoReportTest {
    private static final Duration TOOK = Duration.ofMillis(1500);

    private final DemoSet set = DemoSet.load();
    private final DemoSet.Submission correct = find("correct.c");
    private final DemoSet.Submission crash = find("crash.c");

    DemoReportTest() throws IOException {}

    @Test
    void shouldHaveEverySourceOfTheDemo() throws IOException {
        for (DemoSet.Submission submission : set.submissions()) {
            assertThat(submission.source()).as(submission.file()).isNotEmpty();
        }
    }

    @Test
    void shouldSaySoWhenEveryStatusIsAsExpected() {
        DemoReport report =
                report(Outcome.judged(correct, judged(JudgeStatus.ACCEPTED, Status.OK)));
        assertThat(report.isAsExpected()).isTrue();
        assertThat(report.table())
                .contains("✓  correct", "5.0 ms", "20 ms", "1.5 MiB", "every status as expected");
    }

    @Test
    void shouldPointOutAnotherStatus() {
        DemoReport report =
                report(Outcome.judged(correct, judged(JudgeStatus.WRONG_ANSWER, Status.OK)));
        assertThat(report.isAsExpected()).isFalse();
        assertThat(report.table()).contains("✗  correct", "1 with another status");
    }

    @Test
    void shouldPointOutAnotherDetailOfTheSameStatus() {
        assertThat(
                        report(
                                        Outcome.judged(
                                                crash,
                                                judged(
                                                        JudgeStatus.RUNTIME_ERROR,
                                                        Status.NONZERO_EXIT)))
                                .isAsExpected())
                .isFalse();
    }

    @Test
    void shouldNotCountWhatWasSkipped() {
        Outcome skipped = Outcome.skipped(crash, "no compiler");
        Outcome judged = Outcome.judged(correct, judged(JudgeStatus.ACCEPTED, Status.OK));
        assertThat(report(judged, skipped).isAsExpected()).isTrue();
        assertThat(report(judged, skipped).table()).contains("no compiler", "1 skipped");
    }

    @Test
    void shouldNotCallItASuccessWhenNothingWasJudged() {
        assertThat(report(Outcome.skipped(crash, "no compiler")).isAsExpected()).isFalse();
    }

    @Test
    void shouldLetNoControlCharacterOfACompilerReachTheTerminal() {
        Judgement failed =
                new Judgement(
                        new Verdict(JudgeStatus.COMPILE_ERROR, Status.NONZERO_EXIT, ""),
                        Optional.empty(),
                        "main.c:1: error: \u001b[31mred",
                        List.of());
        assertThat(report(Outcome.judged(correct, failed)).table())
                .contains("[31mred")
                .doesNotContain("\u001b");
    }

    @Test
    void shouldPrintOneJsonDocumentWithoutAbsentFields() {
        Outcome skipped = Outcome.skipped(crash, "no compiler");
        Outcome judged = Outcome.judged(correct, judged(JudgeStatus.ACCEPTED, Status.OK));
        assertThat(report(judged, skipped).json())
                .contains("\"asExpected\" : true")
                .contains("\"cpuMillis\" : 5.0")
                .contains("\"skipped\" : \"no compiler\"")
                .doesNotContain("null");
    }

    private DemoSet.Submission find(String file) {
        return set.submissions().stream()
                .filter(submission -> submission.file().equals(file))
                .findFirst()
                .orElseThrow();
    }

    private DemoReport report(Outcome... outcomes) {
        return new DemoReport(set, List.of(outcomes), TOOK);
    }

    private static Judgement judged(JudgeStatus status, Status detail) {
        Verdict verdict = new Verdict(status, detail, "");
        Figures figures =
                new Figures(
                        Duration.ofMillis(5),
                        Duration.ofMillis(20),
                        Duration.ZERO,
                        ByteSize.ofKiB(1536),
                        MemorySource.CGROUP_V2_PEAK);
        return new Judgement(
                verdict,
                Optional.empty(),
                "",
                List.of(new CaseJudgement("a case", verdict, Optional.of(figures))));
    }
}
