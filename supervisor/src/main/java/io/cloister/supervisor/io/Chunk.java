// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import java.nio.ByteBuffer;

/** One buffer for each thread, through which everything passes that is read or written here. */
final class Chunk {
    /** What a pipe holds by default, pipe(7). */
    static final int SIZE = 64 * 1024;

    private static final ThreadLocal<ByteBuffer> OWN =
            ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(SIZE));

    private Chunk() {}

    /** This thread's, empty: what was in it before is lost. */
    static ByteBuffer own() {
        return OWN.get().clear();
    }
}
