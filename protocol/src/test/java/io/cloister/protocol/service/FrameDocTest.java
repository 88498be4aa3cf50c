// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.kryo.WireType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** docs/protocol.md describes the frames as they are. */
@Timeout(20)
class FrameDocTest {
    private static final Pattern ROW =
            Pattern.compile("\\| (\\d+) \\| `([A-Za-z]+Frame\\..+?)` \\|.*");

    private static String section() throws IOException {
        String page = Files.readString(Path.of("../docs/protocol.md"));
        String title = "\n## Between a worker and the service\n";
        assertThat(page).contains(title);
        String section = page.substring(page.indexOf(title) + title.length());
        int next = section.indexOf("\n## ");
        return next < 0 ? section : section.substring(0, next);
    }

    @Test
    void shouldGiveEveryFrameItsNumber() throws IOException {
        Map<Integer, String> documented = new TreeMap<>();
        for (String line : section().lines().toList()) {
            Matcher row = ROW.matcher(line);
            if (row.matches()) {
                assertThat(documented.put(Integer.valueOf(row.group(1)), row.group(2))).isNull();
            }
        }
        Map<Integer, String> frames = new TreeMap<>();
        for (WireType<?> type : FrameTypes.ALL) {
            String name = type.type().getName();
            frames.put(type.id(), name.substring(name.lastIndexOf('.') + 1).replace('$', '.'));
        }
        assertThat(documented).isEqualTo(frames);
    }

    @Test
    void shouldNameTheBounds() throws IOException {
        assertThat(section().replace('\n', ' '))
                .contains(
                        "A frame has at most %d KiB".formatted(Frame.MAX_BYTES / 1024),
                        "at most %d descriptors".formatted(Frame.MAX_DESCRIPTORS),
                        "written as version %d by all releases"
                                .formatted(FrameKryo.GREETING_VERSION));
    }
}
