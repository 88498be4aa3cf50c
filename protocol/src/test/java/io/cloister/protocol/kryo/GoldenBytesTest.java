// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The bytes of every sample, kept in golden-bytes.txt: what one release writes, the next one reads.
 *
 * <p>To add a class: give it an id and fields in {@link WireTypes}, a value in {@link Samples}, run
 * this test and copy the line it asks for. A line that is there never changes; if it must, so must
 * {@link ProtocolKryo#VERSION}.
 */
@Timeout(value = 20, unit = TimeUnit.SECONDS)
class GoldenBytesTest {
    private static final String RESOURCE = "golden-bytes.txt";

    private final ProtocolKryo kryo = new ProtocolKryo();

    static Map<String, byte[]> golden() {
        Map<String, byte[]> lines = new LinkedHashMap<>();
        try (InputStream in = GoldenBytesTest.class.getResourceAsStream(RESOURCE)) {
            assertThat(in).as(RESOURCE).isNotNull();
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            for (String line : text.lines().toList()) {
                if (!line.isBlank() && !line.startsWith("#")) {
                    int space = line.indexOf(' ');
                    byte[] bytes = HexFormat.of().parseHex(line.substring(space + 1));
                    assertThat(lines.put(line.substring(0, space), bytes)).as(line).isNull();
                }
            }
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
        return lines;
    }

    static Stream<String> samples() {
        return Samples.ALL.keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("samples")
    void shouldWriteTheBytesThatAreKept(String name) throws ProtocolException {
        String bytes = HexFormat.of().formatHex(kryo.write(Samples.ALL.get(name)));
        byte[] kept = golden().get(name);

        assertThat(kept)
                .as(
                        "%s has no line for it yet; if the sample is new, add: %s %s",
                        RESOURCE, name, bytes)
                .isNotNull();
        assertThat(bytes)
                .as("bytes of %s; releases could no longer talk to each other", name)
                .isEqualTo(HexFormat.of().formatHex(kept));
    }

    @Test
    void shouldStillReadAllBytesThatAreKept() throws ProtocolException {
        for (Map.Entry<String, byte[]> line : golden().entrySet()) {
            assertThat(kryo.read(line.getValue())).isEqualTo(Samples.ALL.get(line.getKey()));
        }
    }
}
