// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.container;

import io.cloister.protocol.check.Check;

/**
 * A path that programs must not look into: a file is covered by /dev/null, a directory by an empty
 * read-only tmpfs; a path that does not exist is fine.
 */
public record MaskPath(String path) {
    public MaskPath {
        Check.absolutePathBelowRoot("masked path", path);
    }
}
