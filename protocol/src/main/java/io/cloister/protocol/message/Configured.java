// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.check.Check;
import java.util.List;

/**
 * The container is ready.
 *
 * @param defaultEnvironment what programs without an environment of their own get: that of the
 *     configuration and the lines of the container's {@code /.env}; at most 128 KiB in all
 */
public record Configured(List<String> defaultEnvironment) implements ConfReply {
    private static final int MAX_ENTRIES = 16_384;

    public Configured {
        defaultEnvironment =
                Check.environment("default environment", defaultEnvironment, MAX_ENTRIES);
        long total = 0;
        for (String entry : defaultEnvironment) {
            total += Check.utf8Length("default environment", entry) + 1;
        }
        Check.range(
                "length of the default environment in bytes", total, 0, Execve.MAX_STRING_BYTES);
    }
}
