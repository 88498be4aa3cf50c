// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.protocol.run.Status;
import io.cloister.supervisor.cli.TextTable.Column;
import io.cloister.supervisor.judge.JudgeStatus;
import io.cloister.supervisor.judge.Judgement;
import io.cloister.supervisor.judge.Judgement.CaseJudgement;
import io.cloister.supervisor.judge.Judgement.Figures;
import io.cloister.supervisor.judge.Verdict;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** The demo's results, as a table and as a JSON document. */
final class DemoReport {
    private static final double NANOS_PER_MILLI = 1e6;
    private static final int MAX_WORDS = 44;

    private final DemoSet set;
    private final List<Outcome> outcomes;
    private final Duration took;

    /**
     * What came of a submission: a judgement, or why there is none.
     *
     * @param skipped why it was not judged
     */
    record Outcome(
            DemoSet.Submission submission,
            Optional<Judgement> judgement,
            Optional<String> skipped) {
        static Outcome judged(DemoSet.Submission submission, Judgement judgement) {
            return new Outcome(submission, Optional.of(judgement), Optional.empty());
        }

        static Outcome skipped(DemoSet.Submission submission, String reason) {
            return new Outcome(submission, Optional.empty(), Optional.of(reason));
        }

        boolean isUnexpected() {
            return judgement.isPresent() && !submission.isAsExpected(judgement.get());
        }

        String got() {
            return judgement.map(judged -> judged.deciding().status().name()).orElse("skipped");
        }
    }

    DemoReport(DemoSet set, List<Outcome> outcomes, Duration took) {
        this.set = set;
        this.outcomes = List.copyOf(outcomes);
        this.took = took;
    }

    /** Whether every status is the expected one; what was skipped does not count. */
    boolean isAsExpected() {
        return unexpected() == 0 && skipped() < outcomes.size();
    }

    private long unexpected() {
        return outcomes.stream().filter(Outcome::isUnexpected).count();
    }

    private long skipped() {
        return outcomes.stream().filter(outcome -> outcome.skipped().isPresent()).count();
    }

    /** The table and a line that sums it up. */
    String table() {
        TextTable table =
                new TextTable(
                        Column.left(""),
                        Column.left("submission"),
                        Column.left("language"),
                        Column.left("expected"),
                        Column.left("got"),
                        Column.right("CPU"),
                        Column.right("wall"),
                        Column.right("memory"),
                        Column.left("why"));
        outcomes.forEach(outcome -> addRow(table, outcome));
        return table.render() + "\n" + summary() + "\n";
    }

    private void addRow(TextTable table, Outcome outcome) {
        Optional<Figures> most = outcome.judgement().flatMap(Judgement::most);
        String mark = outcome.judgement().isEmpty() ? "-" : outcome.isUnexpected() ? "✗" : "✓";
        table.row(
                mark,
                outcome.submission().title(),
                set.languageOf(outcome.submission()).title(),
                outcome.submission().status().name(),
                outcome.got(),
                figure(most, figures -> Durations.format(figures.cpuTime())),
                figure(most, figures -> Durations.format(figures.wallTime())),
                figure(most, figures -> Sizes.format(figures.memory())),
                outcome.skipped().orElseGet(() -> why(outcome.judgement().orElseThrow())));
    }

    private static String figure(Optional<Figures> figures, Function<Figures, String> format) {
        return figures.map(format).orElse("");
    }

    /** What decided, in the program's or the compiler's own words where there are some. */
    private static String why(Judgement judgement) {
        Verdict verdict = judgement.deciding();
        String words =
                verdict.status() == JudgeStatus.COMPILE_ERROR
                        ? firstError(judgement.compilerOutput())
                        : verdict.explanation();
        if (words.isEmpty() && verdict.status() == JudgeStatus.WRONG_ANSWER) {
            words = "case: " + judgement.cases().getLast().name();
        }
        return words.length() <= MAX_WORDS ? words : words.substring(0, MAX_WORDS - 1) + "…";
    }

    /** Programs choose these words: no control character reaches the terminal. */
    private static String firstError(String output) {
        return output.lines()
                .filter(line -> line.contains("rror:"))
                .findFirst()
                .orElse("")
                .replaceAll("\\p{Cntrl}", " ")
                .replaceFirst(".*\\b([Ff]atal error|error|Error): ", "")
                .strip();
    }

    private String summary() {
        long judged = outcomes.size() - skipped();
        String text =
                "%s: %d submissions judged in %s, %s"
                        .formatted(
                                set.problem().title(),
                                judged,
                                Durations.format(took),
                                unexpected() == 0
                                        ? "every status as expected"
                                        : unexpected() + " with another status than expected");
        return skipped() == 0 ? text : text + "; " + skipped() + " skipped";
    }

    // ---- JSON --------------------------------------------------------------------------------

    private record Document(
            String problem,
            boolean asExpected,
            double tookMillis,
            List<SubmissionDocument> submissions) {}

    private record SubmissionDocument(
            String file,
            String title,
            String language,
            JudgeStatus expected,
            Optional<Status> expectedDetail,
            Optional<JudgeStatus> got,
            Optional<Status> detail,
            Optional<String> explanation,
            boolean asExpected,
            Optional<String> skipped,
            Optional<FiguresDocument> compilation,
            Optional<String> compilerOutput,
            List<CaseDocument> cases) {}

    private record CaseDocument(
            String name,
            JudgeStatus status,
            Status detail,
            Optional<String> explanation,
            Optional<FiguresDocument> figures) {}

    private record FiguresDocument(
            double cpuMillis, double wallMillis, double setUpMillis, long memoryBytes) {
        static FiguresDocument of(Figures figures) {
            return new FiguresDocument(
                    millis(figures.cpuTime()),
                    millis(figures.wallTime()),
                    millis(figures.setUp()),
                    figures.memory().bytes());
        }
    }

    /** One document. */
    String json() {
        return Json.write(
                new Document(
                        set.problem().title(),
                        isAsExpected(),
                        millis(took),
                        outcomes.stream().map(this::document).toList()));
    }

    private SubmissionDocument document(Outcome outcome) {
        DemoSet.Submission submission = outcome.submission();
        Optional<Verdict> verdict = outcome.judgement().map(Judgement::deciding);
        return new SubmissionDocument(
                submission.file(),
                submission.title(),
                set.languageOf(submission).title(),
                submission.status(),
                submission.detail(),
                verdict.map(Verdict::status),
                verdict.map(Verdict::detail),
                verdict.map(Verdict::explanation).filter(text -> !text.isEmpty()),
                !outcome.isUnexpected(),
                outcome.skipped(),
                outcome.judgement().flatMap(Judgement::compilation).map(FiguresDocument::of),
                outcome.judgement().map(Judgement::compilerOutput).filter(text -> !text.isEmpty()),
                outcome.judgement().map(Judgement::cases).orElse(List.of()).stream()
                        .map(DemoReport::document)
                        .toList());
    }

    private static CaseDocument document(CaseJudgement one) {
        return new CaseDocument(
                one.name(),
                one.verdict().status(),
                one.verdict().detail(),
                Optional.of(one.verdict().explanation()).filter(text -> !text.isEmpty()),
                one.figures().map(FiguresDocument::of));
    }

    private static double millis(Duration time) {
        return time.toNanos() / NANOS_PER_MILLI;
    }
}
