// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import java.util.Objects;
import java.util.regex.Pattern;

/** What is in a file that a run is given. */
public sealed interface Content {
    /** The bytes themselves. */
    record Inline(Bytes bytes) implements Content {
        public Inline {
            Objects.requireNonNull(bytes, "bytes");
            if (bytes.length() > MAX_INLINE.bytes()) {
                throw new InvalidRequest(
                        "%d bytes in a request, at most %s are possible: put it into the file store"
                                .formatted(bytes.length(), MAX_INLINE));
            }
        }
    }

    /**
     * A file in the worker's store.
     *
     * @param id the SHA-256 of its bytes, 64 lower case hexadecimal digits
     */
    record Stored(String id) implements Content {
        private static final Pattern ID = Pattern.compile("[0-9a-f]{64}");

        public Stored {
            Check.that(
                    ID.matcher(id).matches(),
                    "a stored file's id is the SHA-256 of its bytes: 64 digits of 0-9 and a-f");
        }
    }

    /** A regular file of the worker's host, where its settings allow that. */
    record HostFile(String path) implements Content {
        public HostFile {
            Check.absolutePath("host path", path);
        }
    }

    /** Most bytes in a message. */
    ByteSize MAX_INLINE = ByteSize.ofMiB(16);

    static Content of(byte[] bytes) {
        return new Inline(Bytes.wrap(bytes));
    }

    static Content ofUtf8(String text) {
        return new Inline(Bytes.ofUtf8(text));
    }
}
