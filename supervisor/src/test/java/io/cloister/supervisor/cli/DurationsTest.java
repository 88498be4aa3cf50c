// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class DurationsTest {
    @ParameterizedTest
    @CsvSource({
        "500ms, PT0.5S",
        "1.5s, PT1.5S",
        "2m, PT2M",
        "1h, PT1H",
        "250us, PT0.00025S",
        "0.0000015ms, PT0.000000002S",
        "10S, PT10S"
    })
    void shouldReadANumberAndAUnit(String text, String expected) {
        assertThat(Durations.parse(text)).isEqualTo(Duration.parse(expected));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "5", "s", "-1s", "1,5s", "1e3s", "1s1s", "9999999999s", "1d"})
    void shouldRefuseWhatIsNoDuration(String text) {
        assertThatThrownBy(() -> Durations.parse(text))
                .isInstanceOf(TypeConversionException.class)
                .hasMessageContaining("'" + text + "'");
    }

    @Test
    void shouldRefuseADurationBeyondNanoseconds() {
        assertThatThrownBy(() -> Durations.parse("999999999h"))
                .isInstanceOf(TypeConversionException.class)
                .hasMessageContaining("too long");
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
