// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cloister.it.judge.ProblemJudge.Judged;
import io.cloister.supervisor.cli.Durations;
import io.cloister.supervisor.cli.Sizes;
import io.cloister.supervisor.cli.TextTable;
import io.cloister.supervisor.cli.TextTable.Column;
import io.cloister.supervisor.judge.JudgeStatus;
import io.cloister.supervisor.judge.Judgement;
import io.cloister.supervisor.judge.Judgement.CaseJudgement;
import io.cloister.supervisor.judge.Judgement.Figures;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Verdicts as a table, and as lines of JSON. */
final class JudgeReport {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final int MAX_WORDS = 60;

    private JudgeReport() {}

    // ---- JSON -------------------------------------------------------------------------------

    private record Line(
            String submission,
            String language,
            String verdict,
            List<String> expected,
            boolean asExpected,
            List<CaseLine> cases) {}

    private record CaseLine(@JsonProperty("case") String name, String verdict, long cpuTimeNanos) {}

    /** What came of a submission, in one line. */
    static String json(Judged judged) {
        Line line =
                new Line(
                        judged.submission().name(),
                        judged.language(),
                        judged.verdict().abbreviation(),
                        abbreviations(judged),
                        judged.isAsExpected(),
                        judged.judgement().cases().stream()
                                .map(each ->
                                        new CaseLine(
                                                each.name(),
                                                each.verdict().status().abbreviation(),
                                                each.figures()
                                                        .map(Figures::cpuTime)
                                                        .orElse(Duration.ZERO)
                                                        .toNanos()))
                                .toList());
        try {
            return MAPPER.writeValueAsString(line);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot be written as JSON: " + line, e);
        }
    }

    private static List<String> abbreviations(Judged judged) {
        return judged.submission().expectation().verdicts().stream()
                .map(JudgeStatus::abbreviation)
                .toList();
    }

    // ---- table ------------------------------------------------------------------------------

    /**
     * A row for each submission and, below it, for its cases; neighbours that are alike share one.
     */
    static String table(List<Judged> all) {
        TextTable table =
                new TextTable(
                        Column.left(""),
                        Column.left("submission"),
                        Column.left("language"),
                        Column.left("expected"),
                        Column.left("verdict"),
                        Column.right("CPU"),
                        Column.right("wall"),
                        Column.right("memory"),
                        Column.left("why"));
        for (Judged judged : all) {
            table.row(
                    judged.isAsExpected() ? "✓" : "✗",
                    printable(judged.submission().name()),
                    judged.language(),
                    String.join(" ", abbreviations(judged)),
                    judged.verdict().abbreviation(),
                    "",
                    "",
                    "",
                    why(judged.judgement()));
            List<CaseJudgement> alike = new ArrayList<>();
            for (CaseJudgement each : judged.judgement().cases()) {
                if (!alike.isEmpty()
                        && alike.getLast().verdict().status() != each.verdict().status()) {
                    addCases(table, alike);
                    alike.clear();
                }
                alike.add(each);
            }
            addCases(table, alike);
        }
        return table.render();
    }

    private static void addCases(TextTable table, List<CaseJudgement> alike) {
        if (alike.isEmpty()) {
            return;
        }
        String names =
                alike.size() == 1
                        ? alike.getFirst().name()
                        : "%s … %s (%d)"
                                .formatted(
                                        alike.getFirst().name(),
                                        alike.getLast().name(),
                                        alike.size());
        CaseJudgement first = alike.getFirst();
        Optional<Figures> most = new Judgement(first.verdict(), Optional.empty(), "", alike).most();
        table.row(
                "",
                "  " + printable(names),
                "",
                "",
                first.verdict().status().abbreviation(),
                figure(most, figures -> Durations.format(figures.cpuTime())),
                figure(most, figures -> Durations.format(figures.wallTime())),
                figure(most, figures -> Sizes.format(figures.memory())),
                "");
    }

    private static String figure(Optional<Figures> figures, Function<Figures, String> format) {
        return figures.map(format).orElse("");
    }

    private static String why(Judgement judgement) {
        String words =
                judgement.deciding().status() == JudgeStatus.COMPILE_ERROR
                        ? error(judgement.compilerOutput())
                        : "";
        String line = printable(words.isEmpty() ? judgement.deciding().explanation() : words);
        return line.length() <= MAX_WORDS ? line : line.substring(0, MAX_WORDS - 1) + "…";
    }

    /** The line of a compiler's messages that says most. */
    private static String error(String messages) {
        return messages.lines()
                .filter(line -> line.contains("rror:") || line.contains("rror "))
                .findFirst()
                .or(() -> messages.lines().filter(line -> !line.isBlank()).findFirst())
                .orElse("");
    }

    /** Programs choose some of these words: no control character reaches a terminal. */
    static String printable(String text) {
        return text.codePoints()
                .limit(4 * MAX_WORDS)
                .mapToObj(
                        c -> Character.isISOControl(c) || isFormat(c) ? " " : Character.toString(c))
                .collect(Collectors.joining())
                .replaceAll(" {2,}", " ")
                .strip();
    }

    private static boolean isFormat(int c) {
        return Character.getType(c) == Character.FORMAT
                || Character.getType(c) == Character.SURROGATE;
    }

    /** One line that sums all up. */
    static String summary(ProblemPackage problem, ProblemJudge.Result result, Duration took) {
        List<Judged> all = result.judged();
        long unexpected = all.stream().filter(judged -> !judged.isAsExpected()).count();
        return "%s: %d submissions, %d test cases, time limit %s; judged in %s, %s"
                .formatted(
                        printable(problem.name()),
                        all.size(),
                        problem.cases().size(),
                        Durations.format(result.time()),
                        Durations.format(took),
                        unexpected == 0
                                ? "every verdict as expected"
                                : unexpected + " with another verdict than expected");
    }
}
