// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.unit.ByteSize;
import java.util.Objects;

/**
 * What a descriptor of a program leads to. One that is a pipe's end is named by {@link PipeLink}.
 */
public sealed interface Stream {
    /** Most bytes that a stream may collect. */
    ByteSize MAX_COLLECTED = ByteSize.ofMiB(256);

    /** {@code /dev/null}. */
    record Null() implements Stream {}

    /** To be read; the program cannot change it. */
    record Input(Content content) implements Stream {
        public Input {
            Objects.requireNonNull(content, "content");
        }
    }

    /**
     * To be written; comes back with the result.
     *
     * @param max bytes, at most {@link #MAX_COLLECTED}
     * @param truncate keep the first {@code max} bytes and let the program go on; otherwise one
     *     byte more ends it with {@link Status#OUTPUT_LIMIT}
     */
    record Collect(ByteSize max, boolean truncate) implements Stream {
        public Collect {
            Check.range("bytes to collect", max.bytes(), 0, MAX_COLLECTED.bytes());
        }
    }

    /**
     * A descriptor that comes beside the request: possible inside the worker's process alone, for
     * its own command line and for programs that embed it.
     */
    record Given() implements Stream {}

    static Stream input(String text) {
        return new Input(Content.ofUtf8(text));
    }

    static Stream collect(ByteSize max) {
        return new Collect(max, false);
    }
}
