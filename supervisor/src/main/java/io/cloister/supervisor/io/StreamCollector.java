// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import io.cloister.protocol.unit.ByteSize;
import java.io.IOException;

/**
 * Collects what programs write, while they write it. A worker has one; its thread starts with the
 * first stream, and a program that writes nothing never wakes it.
 */
public final class StreamCollector implements AutoCloseable {
    private final Poller poller = new Poller();

    /**
     * A new stream, to be ended with {@link Collected#finish} or {@link Collected#close}.
     *
     * @param max bytes to keep; what is allocated follows what is written
     * @param truncate what is beyond them is read and dropped, so that the program can go on;
     *     otherwise as well, but {@code exceeded} is told once, to end the program
     * @param exceeded called on the collector's thread, for which nothing may be waited there; not
     *     called any more once the stream has ended
     */
    public Collected collect(ByteSize max, boolean truncate, Runnable exceeded) throws IOException {
        return new Collected(poller, max, truncate, exceeded);
    }

    /** Ends the thread. Streams that have not ended are lost. */
    @Override
    public void close() {
        poller.close();
    }
}
