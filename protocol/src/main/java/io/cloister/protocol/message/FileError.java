// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.check.Check;
import java.util.Objects;

/** Why one file of an {@link Open} was not opened. */
public record FileError(String path, Failure failure) {
    public FileError {
        Check.filledText("path of a file", path, Check.MAX_PATH_BYTES);
        Objects.requireNonNull(failure, "failure");
    }
}
