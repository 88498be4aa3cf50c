// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The lines of a container's {@code /.env}: {@code NAME=value} each, {@code #} begins a comment.
 */
final class EnvironmentLines {
    private EnvironmentLines() {}

    /** Adds the lines to an environment, in place of variables of the same name. */
    static void merge(List<String> environment, byte[] contents) {
        String text = new String(contents, StandardCharsets.UTF_8);
        text.lines()
                .map(String::strip)
                .filter(line -> line.indexOf('=') > 0 && !line.startsWith("#"))
                .filter(line -> line.indexOf('\0') < 0)
                .forEach(line -> {
                    String name = line.substring(0, line.indexOf('=') + 1);
                    environment.removeIf(entry -> entry.startsWith(name));
                    environment.add(line);
                });
    }
}
