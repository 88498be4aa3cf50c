// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.check.Check;

/**
 * Remove a file, a symbolic link or a directory. Answered by {@link DeleteReply}.
 *
 * @param path absolute, or relative to the work directory
 * @param recursive a directory with all that is in it; otherwise it must be empty
 */
public record Delete(String path, boolean recursive) implements Request {
    public Delete {
        Check.pathInside("path to delete", path);
    }
}
