// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.unit.Bytes;
import java.util.Objects;

/** A run or its result in the bytes of {@link io.cloister.protocol.kryo.ProtocolKryo}. */
public sealed interface Parcel {
    /** Most bytes in a message: what has more goes through the file store. */
    int MAX_INLINE = 32 * 1024;

    /** Few bytes, here. */
    record Inline(Bytes bytes) implements Parcel {
        public Inline {
            Check.range("bytes of a parcel", bytes.length(), 0, MAX_INLINE);
        }
    }

    /** Many bytes, in the file store of whoever sends this. */
    record Filed(Content.Stored file) implements Parcel {
        public Filed {
            Objects.requireNonNull(file, "file");
        }
    }
}
