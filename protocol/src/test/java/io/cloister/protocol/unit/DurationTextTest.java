// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.unit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.protocol.check.InvalidRequest;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 20, unit = TimeUnit.SECONDS)
class DurationTextTest {
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
        assertThat(DurationText.parse(text)).isEqualTo(Duration.parse(expected));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "5",
                "s",
                "-1s",
                "1,5s",
                "1e3s",
                "1s1s",
                "9999999999s",
                "1d",
                "999999999h",
                "000000000000000000000000000000001s"
            })
    void shouldRefuseWhatIsNoDuration(String text) {
        assertThatThrownBy(() -> DurationText.parse(text))
                .isInstanceOf(InvalidRequest.class)
                .hasMessageStartingWith("duration ");
    }
}
