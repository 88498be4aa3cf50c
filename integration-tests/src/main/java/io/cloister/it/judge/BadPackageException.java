// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import java.nio.file.Path;

/** A problem package that cannot be judged; the message names the file and what to do. */
public final class BadPackageException extends Exception {
    BadPackageException(Path file, String reason) {
        super(file + ": " + reason);
    }
}
