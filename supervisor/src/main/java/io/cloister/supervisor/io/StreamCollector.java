// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.run.Terminal;
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

    /** A new terminal, to be ended with {@link Pty#finish} or {@link Pty#close}. */
    public Pty openTerminal(Terminal terminal, Runnable exceeded) throws IOException {
        return new Pty(poller, terminal, exceeded);
    }

    /**
     * A new pipe through the worker, to be ended with {@link Relay#finish} or {@link Relay#close}.
     *
     * @param exceeded called once when the writer wrote more than may pass, as in {@link #collect}
     */
    public Relay relay(PipeLink.Relay request, Runnable exceeded) throws IOException {
        return new Relay(poller, request, exceeded);
    }

    /** Ends the thread. Streams that have not ended are lost. */
    @Override
    public void close() {
        poller.close();
    }
}
