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

/** The bytes that a version of a format has for each sample, kept in golden-bytes-VERSION.txt. */
public final class GoldenBytes {
    private GoldenBytes() {}

    /** By the sample's name, from the file beside a class. */
    public static Map<String, byte[]> of(int version, Class<?> beside) {
        String resource = resource(version);
        Map<String, byte[]> lines = new LinkedHashMap<>();
        try (InputStream in = beside.getResourceAsStream(resource)) {
            assertThat(in).as(resource).isNotNull();
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

    /** The name of the file. */
    public static String resource(int version) {
        return "golden-bytes-%d.txt".formatted(version);
    }
}
