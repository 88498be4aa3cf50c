// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The bytes of every sample, kept in a golden-bytes-VERSION.txt: what one release writes, the next
 * one reads.
 *
 * <p>To add a class: give it an id and fields in {@link WireTypes}, a value in {@link Samples}, run
 * this test and copy the line it asks for. A line that is there never changes; if it must, so must
 * {@link ProtocolKryo#VERSION}, and the new one gets a file of its own.
 */
@Timeout(value = 20, unit = TimeUnit.SECONDS)
class GoldenBytesTest {
    private final ProtocolKryo kryo = new ProtocolKryo();

    static Map<String, byte[]> golden() {
        return golden(ProtocolKryo.VERSION);
    }

    private static Map<String, byte[]> golden(int version) {
        return GoldenBytes.of(version, GoldenBytesTest.class);
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
                        GoldenBytes.resource(ProtocolKryo.VERSION), name, bytes)
                .isNotNull();
        assertThat(bytes)
                .as("bytes of %s; releases could no longer talk to each other", name)
                .isEqualTo(HexFormat.of().formatHex(kept));
    }

    @Test
    void shouldReadAndWriteTheBytesOfEveryVersionSinceTheOldest() throws ProtocolException {
        for (int version = ProtocolKryo.OLDEST_VERSION;
                version <= ProtocolKryo.VERSION;
                version++) {
            ProtocolKryo older = new ProtocolKryo(version);
            for (byte[] bytes : golden(version).values()) {
                assertThat(bytes[0]).isEqualTo((byte) version);
                assertThat(older.write(kryo.read(bytes))).isEqualTo(bytes);
            }
        }
    }

    @Test
    void shouldReadEachLineAsItsSample() throws ProtocolException {
        for (Map.Entry<String, byte[]> line : golden().entrySet()) {
            assertThat(kryo.read(line.getValue())).isEqualTo(Samples.ALL.get(line.getKey()));
        }
    }
}
