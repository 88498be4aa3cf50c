// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/** The bytes of every sample in a version of the format, kept in golden-bytes-VERSION.txt. */
record ClusterGoldenBytes(String manifest, String hex) {
    /** By name. */
    static Map<String, ClusterGoldenBytes> of(int version) {
        String resource = resource(version);
        Map<String, ClusterGoldenBytes> lines = new LinkedHashMap<>();
        try (InputStream in = ClusterGoldenBytes.class.getResourceAsStream(resource)) {
            assertThat(in).as(resource).isNotNull();
            String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            for (String line : text.lines().toList()) {
                if (!line.isBlank() && !line.startsWith("#")) {
                    String[] words = line.split(" ");
                    assertThat(lines.put(words[0], new ClusterGoldenBytes(words[1], words[2])))
                            .as(line)
                            .isNull();
                }
            }
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
        return lines;
    }

    static String resource(int version) {
        return "golden-bytes-%d.txt".formatted(version);
    }

    byte[] bytes() {
        return HexFormat.of().parseHex(hex);
    }
}
