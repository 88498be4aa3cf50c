// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.supervisor.judge.JudgeStatus;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExpectationTest {
    @ParameterizedTest
    @CsvSource({
        "accepted, AC",
        "wrong_answer, WA",
        "time_limit_exceeded, TLE",
        "run_time_error, RTE",
        "memory_limit_exceeded, MLE",
        "output_limit_exceeded, OLE",
        "compile_error, CE",
        "compiler_error, CE",
        "rejected, WA TLE RTE MLE OLE",
        "brute_force, TLE RTE",
    })
    void shouldKnowDirectories(String directory, String verdicts) {
        assertThat(text(Expectation.ofDirectory(directory))).isEqualTo(verdicts);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "mixed", "acceptedly", "partially_accepted"})
    void shouldNotKnowOtherDirectories(String directory) {
        assertThat(Expectation.ofDirectory(directory)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "// @EXPECTED_RESULTS@: CORRECT | AC",
                "# @EXPECTED_RESULTS@: TIMELIMIT, WRONG-ANSWER | TLE WA",
                "/* @EXPECTED_RESULTS@: RUN-ERROR */ | RTE",
                "(* @Expected_Results@:memory-limit*) | MLE",
                "<!-- @EXPECTED_RESULTS@: OUTPUT-LIMIT --> | OLE",
                "{- @EXPECTED_RESULTS@: COMPILER-ERROR -} | CE",
                "@EXPECTED_RESULTS@: NO-OUTPUT,wrong_answer | WA",
                "x = 'ä' # @EXPECTED_RESULTS@: AC,  WA | AC WA",
                "@EXPECTED_RESULTS@: TIME_LIMIT_EXCEEDED, RUN_TIME_ERROR | TLE RTE",
            })
    void shouldReadWhatASourceSays(String source, String verdicts) {
        assertThat(text(Expectation.ofSource(bytes("first\n" + source + "\nCORRECT, last\n"))))
                .isEqualTo(verdicts);
    }

    @Test
    void shouldTakeTheFirstOfSeveral() {
        String source = "@EXPECTED_RESULTS@: CORRECT\n@EXPECTED_RESULTS@: WRONG-ANSWER\n";
        assertThat(text(Expectation.ofSource(bytes(source)))).isEqualTo("AC");
        assertThat(Expectation.ofSource(bytes("EXPECTED_RESULTS: CORRECT"))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"MAYBE", "", "CORRECT WRONG-ANSWER", "CORRECT,"})
    void shouldRefuseOtherResults(String results) {
        assertThatThrownBy(() -> Expectation.ofSource(bytes("@EXPECTED_RESULTS@: " + results)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("@EXPECTED_RESULTS@");
    }

    @Test
    void shouldCountTooMuchMemoryAsARunTimeError() {
        Expectation error = new Expectation(List.of(JudgeStatus.RUNTIME_ERROR));
        assertThat(error.isMetBy(JudgeStatus.RUNTIME_ERROR)).isTrue();
        assertThat(error.isMetBy(JudgeStatus.MEMORY_LIMIT)).isTrue();
        assertThat(error.isMetBy(JudgeStatus.OUTPUT_LIMIT)).isFalse();
        assertThat(Expectation.accepted().isMetBy(JudgeStatus.MEMORY_LIMIT)).isFalse();
        assertThat(
                        new Expectation(List.of(JudgeStatus.MEMORY_LIMIT))
                                .isMetBy(JudgeStatus.RUNTIME_ERROR))
                .isFalse();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(Optional<Expectation> expectation) {
        return String.join(
                " ",
                expectation.orElseThrow().verdicts().stream()
                        .map(JudgeStatus::abbreviation)
                        .toList());
    }
}
