// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DefaultValidatorTest {
    @ParameterizedTest
    @CsvSource(
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "'',''",
                "'',' \n'",
                "'6\n','6'",
                "'1 2\n3','1\n2\t3\r\n'",
                "' a','a '",
                "'a\u000bb','a\fb'",
            })
    void shouldNotMindWhiteSpace(String answer, String output) {
        assertThat(difference("", answer, output)).isEmpty();
        assertThat(difference("", output, answer)).isEmpty();
        assertThat(difference("space_change_sensitive", answer, output))
                .isEqualTo(
                        answer.equals(output)
                                ? Optional.empty()
                                : Optional.of("line 1: the white space differs"));
    }

    @ParameterizedTest
    @CsvSource(
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "'','0'",
                "'6','7'",
                "'12','1 2'",
                "'1 2','1 2 3'",
                "'ab','abc'",
                "'a b','a bc'",
                "'1.0','1'",
                "'ä','Ä'",
            })
    void shouldMindEverythingElse(String answer, String output) {
        assertThat(difference("", answer, output)).isPresent();
        assertThat(difference("", output, answer)).isPresent();
    }

    @Test
    void shouldMindTheCaseOnlyWhenAsked() {
        assertThat(difference("", "Yes z", "yES Z")).isEmpty();
        assertThat(difference("case_sensitive", "Yes", "yes")).isPresent();
        assertThat(difference("", "@[", "`{")).isPresent(); // beside the letters in ASCII
    }

    @ParameterizedTest
    @ValueSource(strings = {" 1 2\n", "1  2\n", "1 2", "1 2\n\n", "1\t2\n", "1 2 \n", "1 2\r\n"})
    void shouldMindWhiteSpaceWhenAsked(String output) {
        assertThat(difference("space_change_sensitive", "1 2\n", "1 2\n")).isEmpty();
        assertThat(difference("space_change_sensitive", "1 2\n", output)).isPresent();
    }

    @ParameterizedTest
    @CsvSource({
        "float_tolerance 1e-2, 1.0, 1.009",
        "float_tolerance 1e-2, 1000, 1009",
        "float_absolute_tolerance 0.5, 10, 1.05e1",
        "float_relative_tolerance 0.1, -100, -110",
        "float_relative_tolerance 0.1 float_absolute_tolerance 1e-9, 100, 109.9",
        "float_relative_tolerance 0.1 float_absolute_tolerance 1, 0, 1",
        "float_tolerance 1e-9, 0.0314, 3.14000000e-2",
        "float_tolerance 1e-9, 5, +5.",
        "float_tolerance 1e-9, 5, 00005.000000000000000000000000000000000000000000000000",
        "float_tolerance 1e-9, .5, 5E-01",
        "float_tolerance 1e-9, impossible, Impossible",
        "float_tolerance 1e-9, 1e999, 1E999",
    })
    void shouldTakeNumbersThatAreNear(String arguments, String answer, String output) {
        assertThat(difference(arguments, answer, output)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "float_tolerance 1e-2, 1.0, 1.02",
        "float_absolute_tolerance 0.5, 1000, 1001",
        "float_relative_tolerance 0.1, 0, 0.05",
        "float_relative_tolerance 0.1, 100, 111",
        "float_tolerance 1e-2, 1, nan",
        "float_tolerance 1e-2, 1, inf",
        "float_tolerance 1e-2, 1, 1e999",
        "float_tolerance 1e-2, 1, 0x1",
        "float_tolerance 1e-2, 1, 1d",
        "float_tolerance 1e-2, 1, 1e",
        "float_tolerance 1e-2, 1, 1.0.0",
        "float_tolerance 1e-2, 1, -",
        "float_tolerance 1e-2, 1, one",
        "float_tolerance 1e-2, 0, .",
        "float_tolerance 1e-2, one, 1",
        "float_tolerance 1e-2, 1, 1 1",
        "float_tolerance 1e-2, 1 2, 1",
    })
    void shouldRefuseNumbersThatAreNot(String arguments, String answer, String output) {
        assertThat(difference(arguments, answer, output)).isPresent();
    }

    @Test
    void shouldTakeWordsOfAnyLength() {
        byte[] digits = new byte[2_000_000];
        Arrays.fill(digits, (byte) '1');
        DefaultValidator validator = DefaultValidator.parse(List.of("float_tolerance", "0.1"));
        assertThat(validator.accepts(ByteBuffer.wrap(digits), ByteBuffer.wrap(digits))).isTrue();
        assertThat(validator.difference(bytes("1"), ByteBuffer.wrap(digits)).orElseThrow())
                .hasSizeLessThan(200);
    }

    @Test
    void shouldSayWhereTheOutputDiffers() {
        assertThat(difference("", "1\n2\n3\n", "1\n\n5 3\n"))
                .contains("line 3: expected '2', got '5'");
        assertThat(difference("", "1", "")).contains("line 1: expected '1', got nothing");
        assertThat(difference("", "1", "1\n\u001b[2J"))
                .contains("line 2: expected nothing, got '?[2J'");
    }

    @Test
    void shouldLeaveBuffersAsTheyAre() {
        ByteBuffer answer = bytes("x 1").position(2);
        ByteBuffer output = bytes("1");
        assertThat(DefaultValidator.words().accepts(answer, output)).isTrue();
        assertThat(answer.position()).isEqualTo(2);
        assertThat(output.position()).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "fuzzy",
                "float_tolerance",
                "float_tolerance x",
                "float_tolerance -1",
                "float_tolerance 1e999",
                "float_tolerance 1 float_tolerance 1",
                "float_relative_tolerance 1 float_tolerance 1",
                "float_tolerance 1 float_absolute_tolerance 1",
            })
    void shouldRefuseOtherArguments(String arguments) {
        assertThatThrownBy(() -> difference(arguments, "", ""))
                .isInstanceOf(IllegalArgumentException.class)
                .message()
                .contains("'");
    }

    private static Optional<String> difference(String arguments, String answer, String output) {
        return DefaultValidator.parse(
                        arguments.isEmpty() ? List.of() : List.of(arguments.split(" ", -1)))
                .difference(bytes(answer), bytes(output));
    }

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }
}
