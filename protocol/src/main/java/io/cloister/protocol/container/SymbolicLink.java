// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.container;

import io.cloister.protocol.check.Check;

/**
 * A symbolic link to make in the container, see symlink(2).
 *
 * @param link where it is made: absolute and normalised, missing parents are made
 * @param target the text of the link, 1 to 4095 bytes; it is not resolved and need not exist
 */
public record SymbolicLink(String link, String target) {
    public SymbolicLink {
        Check.absolutePathBelowRoot("path of a symbolic link", link);
        Check.filledText("target of a symbolic link", target, Check.MAX_PATH_BYTES);
    }
}
