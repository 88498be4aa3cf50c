// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A unit of systemd as its file has it: systemd.syntax(7), without lines that are continued.
 *
 * @param settings in the order of the file; a key may come more than once
 */
record UnitFile(String name, List<Setting> settings) {
    record Setting(String section, String key, String value) {}

    static UnitFile read(Path file) throws IOException {
        List<Setting> settings = new ArrayList<>();
        String section = "";
        for (String line : Files.readAllLines(file)) {
            int equals = line.indexOf('=');
            if (line.startsWith("[") && line.endsWith("]")) {
                section = line.substring(1, line.length() - 1);
            } else if (equals > 0 && !line.startsWith("#")) {
                settings.add(
                        new Setting(
                                section, line.substring(0, equals), line.substring(equals + 1)));
            } else if (!line.isEmpty() && !line.startsWith("#")) {
                throw new IOException(file + ": neither setting nor comment: " + line);
            }
        }
        return new UnitFile(String.valueOf(file.getFileName()), List.copyOf(settings));
    }

    /** What a key is set to, by the last line that has it. */
    String value(String key) {
        return settings.stream()
                .filter(setting -> setting.key().equals(key))
                .reduce((earlier, later) -> later)
                .orElseThrow(() -> new AssertionError(name + " has no " + key))
                .value();
    }
}
