// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.unit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.protocol.check.InvalidRequest;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 20, unit = TimeUnit.SECONDS)
class ByteSizeTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0, 0B",
        "512, 512, 512B",
        "512B, 512, 512B",
        "1000, 1000, 1000B",
        "64MiB, 67108864, 64MiB",
        "1 gib, 1073741824, 1GiB",
        "1536KiB, 1572864, 1536KiB",
        "7EiB, 8070450532247928832, 7EiB",
        "9223372036854775807, 9223372036854775807, 9223372036854775807B",
    })
    void shouldParseAndPrintExactly(String text, long bytes, String printed) {
        ByteSize size = ByteSize.parse(text);

        assertThat(size.bytes()).isEqualTo(bytes);
        assertThat(size).hasToString(printed);
        assertThat(ByteSize.parse(size.toString())).isEqualTo(size);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "MiB",
                "-1",
                "+1",
                "1.5GiB",
                "1MB",
                "1 M",
                "0x10",
                "1MiB2",
                "٣",
                "9223372036854775808",
                "8EiB",
                "99999999999999999999",
                "1e3",
                "11111111111111111111111111111111111"
            })
    void shouldRefuseWhatIsNoSize(String text) {
        assertThatThrownBy(() -> ByteSize.parse(text)).isInstanceOf(InvalidRequest.class);
    }

    @Test
    void shouldRefuseNegativeAndOverflowingSizes() {
        assertThatThrownBy(() -> new ByteSize(-1)).isInstanceOf(InvalidRequest.class);
        assertThatThrownBy(() -> ByteSize.ofGiB(-1)).isInstanceOf(InvalidRequest.class);
        assertThatThrownBy(() -> ByteSize.ofGiB(1L << 33)).isInstanceOf(InvalidRequest.class);
    }

    @Test
    void shouldBeOrderedBySize() {
        assertThat(ByteSize.ofMiB(1)).isEqualTo(ByteSize.ofKiB(1024)).isLessThan(ByteSize.ofGiB(1));
    }
}
