// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.check.Check;

/** The file that execve(2) executes. */
public sealed interface Executable {
    /**
     * A file in the container.
     *
     * @param name with a slash, a path, relative ones beginning at the work directory; without, it
     *     is looked up in the directories of the program's PATH, inside the container
     */
    record OfPath(String name) implements Executable {
        public OfPath {
            Check.filledText("name of an executable", name, Check.MAX_PATH_BYTES);
        }
    }

    /** A descriptor that comes beside the request, for example a memfd. */
    record OfDescriptor() implements Executable {}
}
