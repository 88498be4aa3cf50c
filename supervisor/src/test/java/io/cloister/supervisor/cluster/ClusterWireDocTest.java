// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

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

/** docs/protocol.md lists the messages between nodes as they are. */
@Timeout(60)
class ClusterWireDocTest {
    /** Of the messages; frames have numbers of their own. */
    private static final Pattern ROW = Pattern.compile("\\| (2\\d\\d) \\| `([A-Za-z.]+)` \\|.*");

    @Test
    void shouldGiveEveryMessageItsNumber() throws IOException {
        Map<Integer, String> documented = new TreeMap<>();
        for (String line : Files.readAllLines(Path.of("../docs/protocol.md"))) {
            Matcher row = ROW.matcher(line);
            if (row.matches()) {
                assertThat(documented.put(Integer.valueOf(row.group(1)), row.group(2))).isNull();
            }
        }
        Map<Integer, String> messages = new TreeMap<>();
        try (WireSystem node = new WireSystem()) {
            for (WireType<?> type : new ClusterTypes(node.classic()).all()) {
                if (Remote.class.isAssignableFrom(type.type())) {
                    String name = type.type().getName();
                    messages.put(
                            type.id(), name.substring(name.lastIndexOf('.') + 1).replace('$', '.'));
                }
            }
        }
        assertThat(documented).isEqualTo(messages);
    }
}
