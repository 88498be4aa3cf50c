// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import io.cloister.nativeio.fd.Fd;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.unit.ByteSize;
import java.io.IOException;
import java.nio.ByteBuffer;

/** What a program writes, read from a descriptor that never waits. For one thread at a time. */
final class Intake {
    private final Fd source;
    private final BoundedBytes bytes;
    private final boolean truncate;
    private final Runnable exceeded;
    private boolean told;

    /** As {@link StreamCollector#collect}; the descriptor stays the caller's. */
    Intake(Fd source, ByteSize max, boolean truncate, Runnable exceeded) {
        this.source = source;
        this.bytes = new BoundedBytes(max);
        this.truncate = truncate;
        this.exceeded = exceeded;
    }

    /** Reads once, and tells when that was too much; as {@link Fd#readSome}. */
    int read() throws IOException {
        int n = readQuietly();
        if (bytes.isExceeded() && !truncate && !told) {
            told = true;
            exceeded.run();
        }
        return n;
    }

    /** Reads once without telling. */
    int readQuietly() throws IOException {
        ByteBuffer chunk = Chunk.own();
        int n = source.readSome(chunk);
        bytes.add(chunk.flip());
        return n;
    }

    /**
     * Reads on, without telling, until nothing is there, or more than is wanted.
     *
     * @param most bytes after which it ends in any case, so that no writer makes it longer
     */
    void drain(long most) throws IOException {
        int n;
        for (long left = most; left > 0 && !bytes.isExceeded(); left -= n) {
            n = readQuietly();
            if (n <= 0) {
                return;
            }
        }
    }

    Output toOutput() {
        return new Output(bytes.toBytes(), bytes.isExceeded());
    }
}
