// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import java.util.Objects;

/** A file that is put into the container before its program starts. */
public sealed interface CopyIn {
    /** Where: absolute, or relative to the container's work directory. Parents are made. */
    String path();

    /**
     * A regular file.
     *
     * @param mode permission bits, for example 0755 for what is to be executed
     */
    record File(String path, Content content, int mode) implements CopyIn {
        public File {
            Check.pathInside("path", path);
            Objects.requireNonNull(content, "content");
            Check.mode("mode", mode);
        }

        public static File of(String path, Content content) {
            return new File(path, content, 0644);
        }
    }

    /** A symbolic link. */
    record Link(String path, String target) implements CopyIn {
        public Link {
            Check.pathInside("path", path);
            Check.filledText("target of the link", target, Check.MAX_PATH_BYTES);
        }
    }
}
