// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TestCaseTest {
    @Test
    void shouldGenerateTheInputThatTheAnswerWasMadeFor() {
        TestCase.Generator generator = new TestCase.Generator(100_000, 1);
        TestCase test =
                new TestCase("long", Optional.empty(), Optional.of(generator), "13320205213\n");

        List<Long> numbers =
                new String(test.bytes(), StandardCharsets.US_ASCII)
                        .lines()
                        .map(Long::parseLong)
                        .toList();

        assertThat(numbers).hasSize(100_001).startsWith(100_000L);
        assertThat(numbers.stream().skip(1))
                .allMatch(number -> number >= -(1L << 30) && number <= 1L << 30);
        long sum = numbers.stream().skip(1).mapToLong(Long::longValue).sum();
        assertThat(sum).isEqualTo(Long.parseLong(test.answer().strip()));
    }

    @Test
    void shouldRefuseACaseWithTwoInputsOrNone() {
        assertThatThrownBy(() -> new TestCase("none", Optional.empty(), Optional.empty(), ""))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("none");
    }
}
