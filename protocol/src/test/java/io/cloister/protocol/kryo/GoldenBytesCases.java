// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The bytes of every sample of a format, kept in the golden-bytes-VERSION.txt beside a subclass:
 * what one release writes, the next one reads.
 *
 * <p>A line that is there never changes; if it must, so must {@link ProtocolKryo#VERSION}, and the
 * new one gets a file of its own.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(20)
public abstract class GoldenBytesCases<T> {
    private final Map<String, T> samples;

    /**
     * @param samples by their names in the file
     */
    protected GoldenBytesCases(Map<String, T> samples) {
        this.samples = samples;
    }

    protected abstract byte[] write(int version, T value) throws ProtocolException;

    /**
     * @param name of the sample that the bytes are of
     */
    protected abstract T read(String name, byte[] bytes) throws ProtocolException;

    protected final Map<String, byte[]> golden(int version) {
        return GoldenBytes.of(version, getClass());
    }

    Stream<String> samples() {
        return samples.keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("samples")
    void shouldWriteTheBytesThatAreKept(String name) throws ProtocolException {
        String bytes = HexFormat.of().formatHex(write(ProtocolKryo.VERSION, samples.get(name)));
        byte[] kept = golden(ProtocolKryo.VERSION).get(name);

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
    void shouldReadEachLineAsItsSample() throws ProtocolException {
        for (Map.Entry<String, byte[]> line : golden(ProtocolKryo.VERSION).entrySet()) {
            assertThat(read(line.getKey(), line.getValue())).isEqualTo(samples.get(line.getKey()));
        }
    }

    @Test
    void shouldReadAndWriteTheBytesOfEveryVersionSinceTheOldest() throws ProtocolException {
        for (int version = ProtocolKryo.OLDEST_VERSION;
                version <= ProtocolKryo.VERSION;
                version++) {
            for (Map.Entry<String, byte[]> line : golden(version).entrySet()) {
                assertThat(write(version, read(line.getKey(), line.getValue())))
                        .as("%s in version %d", line.getKey(), version)
                        .isEqualTo(line.getValue());
            }
        }
    }
}
