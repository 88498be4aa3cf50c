// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine.TypeConversionException;

class DurationsTest {
    @Test
    void shouldSayWhatADurationLooksLike() {
        assertThat(new Durations().convert("1.5s")).isEqualTo(Duration.ofMillis(1500));
        assertThatThrownBy(() -> new Durations().convert("5"))
                .isInstanceOf(TypeConversionException.class)
                .hasMessageContaining("for example 1.5s");
    }

    @ParameterizedTest
    @CsvSource({
        "PT0S, 0.0 ms",
        "PT0.0008S, 0.8 ms",
        "PT0.00996S, 10 ms",
        "PT0.312S, 312 ms",
        "PT0.9996S, 1.00 s",
        "PT2.006S, 2.01 s"
    })
    void shouldShowAsManyDigitsAsMatter(String duration, String expected) {
        assertThat(Durations.format(Duration.parse(duration))).isEqualTo(expected);
    }
}
