// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.check.Check;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * All links were tried.
 *
 * @param errors by path of the link, in the order of the request; empty when all were made
 */
public record Linked(Map<String, Failure> errors) implements SymlinkReply {
    public Linked {
        Map<String, Failure> copy = new LinkedHashMap<>(errors);
        Check.range("number of failed links", copy.size(), 0, Symlink.MAX_LINKS);
        copy.forEach((path, failure) -> {
            Check.filledText("path of a link", path, Check.MAX_PATH_BYTES);
            Objects.requireNonNull(failure, "failure");
        });
        errors = Collections.unmodifiableMap(copy);
    }

    public static Linked all() {
        return new Linked(Map.of());
    }
}
