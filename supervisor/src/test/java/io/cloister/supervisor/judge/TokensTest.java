// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokensTest {
    @ParameterizedTest
    @CsvSource(
            ignoreLeadingAndTrailingWhitespace = false,
            value = {
                "'',''",
                "'',' \n'",
                "'6\n','6'",
                "'1 2\n3','1\n2\t3\r\n'",
                "' a','a '",
            })
    void shouldNotMindWhiteSpace(String left, String right) {
        assertThat(equal(left, right)).isTrue();
        assertThat(equal(right, left)).isTrue();
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
                "'a','A'",
            })
    void shouldMindEverythingElse(String left, String right) {
        assertThat(equal(left, right)).isFalse();
        assertThat(equal(right, left)).isFalse();
    }

    private static boolean equal(String left, String right) {
        return Tokens.equal(
                left.getBytes(StandardCharsets.UTF_8), right.getBytes(StandardCharsets.UTF_8));
    }
}
