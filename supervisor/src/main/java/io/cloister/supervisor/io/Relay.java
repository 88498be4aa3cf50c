// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.Pipe;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.unit.Bytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A pipe between two programs that goes through the worker, which counts what passes, and ends at a
 * bound. To the programs it is like a direct one: when the reader is gone the writer gets SIGPIPE,
 * when the writer is gone the reader gets what is left and then the end.
 *
 * <p>What the reader does not take waits in two pipes and at most {@link Chunk#SIZE} bytes between
 * them; then nothing more is read from the writer.
 */
public final class Relay implements AutoCloseable, Flow {
    private final Poller poller;
    private final ReentrantLock lock = new ReentrantLock();
    private final long max;
    private final Runnable exceeded;
    private final @Nullable BoundedBytes transcript;
    private final End source;
    private final End sink;
    private @Nullable Fd forWriter;
    private @Nullable Fd forReader;
    private @Nullable ByteBuffer held;
    private long taken;
    private long passed;
    private @Nullable Throwable trouble;

    /** One of the worker's ends, watched by the poller as long as that is of use. */
    private final class End implements Poller.Watcher {
        private final Fd fd;
        private final Watched watched;
        private long token;

        End(Fd fd, Watched watched) {
            this.fd = fd;
            this.watched = watched;
        }

        void watch(int events) throws IOException {
            token = poller.watch(fd, events, this);
        }

        void forget() {
            poller.forget(token, fd);
        }

        void close() {
            if (fd.isOpen()) {
                forget();
                fd.close();
            }
        }

        @Override
        public void ready(int events) throws IOException {
            lock.lock();
            try {
                if (fd.isOpen()) {
                    watched.ready(events);
                }
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void failed(Throwable cause) {
            lock.lock();
            try {
                if (fd.isOpen()) {
                    trouble = cause;
                    closeEnds();
                }
            } finally {
                lock.unlock();
            }
        }
    }

    /** What to do when something happened to an end. */
    private interface Watched {
        void ready(int events) throws IOException;
    }

    Relay(Poller poller, PipeLink.Relay request, Runnable exceeded) throws IOException {
        this.poller = poller;
        this.max = request.max().bytes();
        this.exceeded = exceeded;
        transcript = request.transcript() ? new BoundedBytes(request.max()) : null;
        Pipe in = Streams.pipe("from the writer of a relay");
        Pipe out;
        try {
            out = Streams.pipe("to the reader of a relay");
        } catch (IOException | RuntimeException e) {
            in.close();
            throw e;
        }
        forWriter = in.writeEnd();
        source = new End(in.readEnd(), this::onReadable);
        sink = new End(out.writeEnd(), this::onSink);
        forReader = out.readEnd();
        try {
            in.readEnd().setNonBlocking();
            out.writeEnd().setNonBlocking();
            sink.watch(0);
            source.watch(Linux.EPOLLIN);
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    /** The end for the writing program, once: the caller owns it and keeps no copy. */
    public Fd forWriter() {
        lock.lock();
        try {
            Fd end = given(forWriter);
            forWriter = null;
            return end;
        } finally {
            lock.unlock();
        }
    }

    /** The end for the reading program, once: the caller owns it and keeps no copy. */
    public Fd forReader() {
        lock.lock();
        try {
            Fd end = given(forReader);
            forReader = null;
            return end;
        } finally {
            lock.unlock();
        }
    }

    private static Fd given(@Nullable Fd end) {
        if (end == null) {
            throw new IllegalStateException("this end of the relay was given away before");
        }
        return end;
    }

    private void onReadable(int events) throws IOException {
        if (held != null) {
            return; // it was watched until a moment ago
        }
        ByteBuffer chunk = Chunk.own();
        chunk.limit((int) Math.min(chunk.capacity(), max - taken + 1));
        int n = source.fd.readSome(chunk);
        if (n < 0) {
            source.close();
            sink.close();
        } else if (n > 0) {
            taken += n;
            chunk.flip();
            if (taken > max) {
                chunk.limit(n - 1);
                source.forget(); // but open: a program over its limit is not told of a lost reader
            }
            pass(chunk);
            if (taken > max) {
                exceeded.run();
            }
        }
    }

    private void onSink(int events) throws IOException {
        if ((events & Linux.EPOLLERR) != 0) { // nobody reads any more
            closeEnds();
        } else if (held != null) {
            ByteBuffer chunk = Chunk.own();
            chunk.put(held).flip();
            held = null;
            pass(chunk);
            if (held == null && sink.fd.isOpen() && taken <= max) {
                poller.change(sink.token, sink.fd, 0);
                source.watch(Linux.EPOLLIN);
            }
        }
    }

    /** Passes on what can be now, and keeps the rest until there is room. */
    private void pass(ByteBuffer chunk) throws IOException {
        int from = chunk.position();
        try {
            while (chunk.hasRemaining() && sink.fd.writeSome(chunk) > 0) {}
        } catch (SystemCallException e) {
            if (!e.errno().equals(Errno.EPIPE)) {
                throw e;
            }
            closeEnds();
            return;
        } finally {
            passed += chunk.position() - from;
            if (transcript != null) {
                transcript.add(chunk.duplicate().flip().position(from));
            }
        }
        if (chunk.hasRemaining()) {
            held = ByteBuffer.allocate(chunk.remaining()).put(chunk).flip();
            source.forget();
            poller.change(sink.token, sink.fd, Linux.EPOLLOUT);
        } else if (taken > max) {
            sink.close(); // the writer is about to be ended: there is no more to come
        }
    }

    /** How many bytes have reached the reader's pipe. */
    public long bytesPassed() {
        lock.lock();
        try {
            return passed;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean atRest() throws IOException {
        lock.lock();
        try {
            if (!sink.fd.isOpen()) {
                return true;
            }
            return held == null ? !source.fd.isReadable() : !sink.fd.isWritable();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends the relay, when its programs have ended.
     *
     * @return what passed, empty unless it was asked for
     * @throws IOException when the relay broke, so that programs may have waited in vain
     */
    public Bytes finish() throws IOException {
        lock.lock();
        try {
            close();
            if (trouble != null) {
                throw new IOException("a pipe between programs broke in the worker", trouble);
            }
            return transcript == null ? Bytes.EMPTY : transcript.toBytes();
        } finally {
            lock.unlock();
        }
    }

    /** Ends the relay; ends that were given away are their owners'. */
    @Override
    public void close() {
        lock.lock();
        try {
            closeEnds();
            if (forWriter != null) {
                forWriter.close();
            }
            if (forReader != null) {
                forReader.close();
            }
        } finally {
            lock.unlock();
        }
    }

    private void closeEnds() {
        source.close();
        sink.close();
        held = null;
    }
}
