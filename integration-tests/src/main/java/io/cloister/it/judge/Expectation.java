// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import io.cloister.supervisor.judge.JudgeStatus;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * The verdicts that a submission of a package may get.
 *
 * @param verdicts any of them will do; not empty
 */
record Expectation(List<JudgeStatus> verdicts) {
    private static final String TAG = "@EXPECTED_RESULTS@:";

    /** By the names of directories, and by those of results after the tag. */
    private static final Map<String, List<JudgeStatus>> NAMES = names();

    Expectation {
        verdicts = verdicts.stream().distinct().toList();
        if (verdicts.isEmpty()) {
            throw new IllegalArgumentException("no verdict is expected: name one");
        }
    }

    private static Map<String, List<JudgeStatus>> names() {
        Map<String, List<JudgeStatus>> names = new HashMap<>();
        BiConsumer<JudgeStatus, List<String>> add =
                (verdict, all) -> all.forEach(name -> names.put(name, List.of(verdict)));
        add.accept(JudgeStatus.ACCEPTED, List.of("ACCEPTED", "CORRECT"));
        // a verdict of its own elsewhere, but an empty output is a wrong one
        add.accept(JudgeStatus.WRONG_ANSWER, List.of("WRONG_ANSWER", "NO_OUTPUT"));
        add.accept(JudgeStatus.TIME_LIMIT, List.of("TIME_LIMIT_EXCEEDED", "TIMELIMIT"));
        add.accept(
                JudgeStatus.RUNTIME_ERROR, List.of("RUN_TIME_ERROR", "RUNTIME_ERROR", "RUN_ERROR"));
        add.accept(JudgeStatus.MEMORY_LIMIT, List.of("MEMORY_LIMIT_EXCEEDED", "MEMORY_LIMIT"));
        add.accept(JudgeStatus.OUTPUT_LIMIT, List.of("OUTPUT_LIMIT_EXCEEDED", "OUTPUT_LIMIT"));
        add.accept(JudgeStatus.COMPILE_ERROR, List.of("COMPILE_ERROR", "COMPILER_ERROR"));
        for (JudgeStatus verdict : JudgeStatus.values()) {
            names.put(verdict.abbreviation(), List.of(verdict));
        }
        names.put(
                "REJECTED",
                List.of(
                        JudgeStatus.WRONG_ANSWER,
                        JudgeStatus.TIME_LIMIT,
                        JudgeStatus.RUNTIME_ERROR,
                        JudgeStatus.MEMORY_LIMIT,
                        JudgeStatus.OUTPUT_LIMIT));
        names.put("BRUTE_FORCE", List.of(JudgeStatus.TIME_LIMIT, JudgeStatus.RUNTIME_ERROR));
        return Map.copyOf(names);
    }

    static Expectation accepted() {
        return new Expectation(List.of(JudgeStatus.ACCEPTED));
    }

    /** What a directory of submissions stands for; empty for one that means nothing. */
    static Optional<Expectation> ofDirectory(String name) {
        return Optional.ofNullable(NAMES.get(name.toUpperCase(Locale.ROOT))).map(Expectation::new);
    }

    /**
     * What a source file itself says, on a line with {@code @EXPECTED_RESULTS@:} and a list of
     * results between commas; the first such line counts. Empty when there is none.
     *
     * @throws IllegalArgumentException naming a result that is unknown
     */
    static Optional<Expectation> ofSource(byte[] source) {
        String text = new String(source, StandardCharsets.ISO_8859_1);
        int tag = text.toUpperCase(Locale.ROOT).indexOf(TAG);
        if (tag < 0) {
            return Optional.empty();
        }
        String line = text.substring(tag + TAG.length()).lines().findFirst().orElse("");
        List<JudgeStatus> verdicts = new ArrayList<>();
        for (String word : withoutEndOfComment(line).split(",", -1)) {
            String name = word.strip().toUpperCase(Locale.ROOT).replace('-', '_');
            List<JudgeStatus> meant = NAMES.get(name);
            if (meant == null) {
                throw new IllegalArgumentException(
                        "unknown result '%s' after %s: use CORRECT, WRONG-ANSWER, TIMELIMIT,"
                                        .formatted(word.strip(), TAG)
                                + " RUN-ERROR, MEMORY-LIMIT, OUTPUT-LIMIT, NO-OUTPUT or"
                                + " COMPILER-ERROR");
            }
            verdicts.addAll(meant);
        }
        return Optional.of(new Expectation(verdicts));
    }

    private static String withoutEndOfComment(String line) {
        String text = line.strip();
        for (String end : new String[] {"*/", "*)", "-}", "-->", "}"}) {
            if (text.endsWith(end)) {
                return text.substring(0, text.length() - end.length());
            }
        }
        return text;
    }

    /**
     * Whether a verdict will do. The format has no verdict for too much memory: it counts as a
     * run-time error there, and so it does here.
     */
    boolean isMetBy(JudgeStatus verdict) {
        return verdicts.contains(verdict)
                || (verdict == JudgeStatus.MEMORY_LIMIT
                        && verdicts.contains(JudgeStatus.RUNTIME_ERROR));
    }
}
