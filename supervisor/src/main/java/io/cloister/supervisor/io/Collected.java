// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.Pipe;
import io.cloister.nativeio.libc.Linux;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.unit.ByteSize;
import java.io.IOException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A stream that a program writes to and the worker collects: a pipe, read as it fills.
 *
 * <p>The program may do with its end what it likes. Flags that it sets are those of the writing
 * end's open file description; the worker reads through another one. It can enlarge the pipe up to
 * fs.pipe-max-size, pass it on, keep it open for ever in a process that is not found, or write
 * after the run's end: nothing here waits for the end of the stream. The pipe may be opened for
 * writing, and not for reading, by whoever can name it, so that {@code /dev/stdout} works.
 */
public final class Collected implements AutoCloseable, Flow {
    /** The pipe belongs to the worker's user, and programs have another one. */
    private static final int WRITE_ONLY = 0222;

    private final Poller poller;
    private final ReentrantLock lock = new ReentrantLock();

    /** The writing end stays open, so that the program's end does not wake the thread. */
    private final Pipe pipe;

    private final Intake intake;
    private final long token;
    private @Nullable Throwable trouble;
    private @Nullable Output output;
    private boolean released;

    Collected(Poller poller, ByteSize max, boolean truncate, Runnable exceeded) throws IOException {
        this.poller = poller;
        pipe = Pipe.open("an output of a program");
        try {
            pipe.readEnd().setNonBlocking();
            pipe.writeEnd().setPermissions(WRITE_ONLY);
            intake = new Intake(pipe.readEnd(), max, truncate, exceeded);
            token = poller.watch(pipe.readEnd(), Linux.EPOLLIN, new Reading());
        } catch (IOException | RuntimeException e) {
            pipe.close();
            throw e;
        }
    }

    private final class Reading implements Poller.Watcher {
        @Override
        public void ready(int events) throws IOException {
            lock.lock();
            try {
                if (!released && intake.read() < 0) {
                    poller.forget(token, pipe.readEnd()); // cannot be: there is a writing end
                }
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void failed(Throwable cause) {
            lock.lock();
            try {
                if (!released) {
                    trouble = cause;
                    release();
                }
            } finally {
                lock.unlock();
            }
        }
    }

    /**
     * A writing end for the program; the caller owns it.
     *
     * @throws IOException also when the stream has ended
     */
    public Fd forProgram() throws IOException {
        lock.lock();
        try {
            if (released) {
                throw new IOException("an output of a program has ended already");
            }
            return pipe.writeEnd().duplicate();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes what is still in the pipe, and ends the stream. Nobody is told of an excess any more
     * once this has returned; the output says it. Never waits for a writer. A second call returns
     * the same.
     *
     * @throws IOException when the output could not be collected, or was given up
     */
    public Output finish() throws IOException {
        lock.lock();
        try {
            if (!released) {
                try {
                    if (intake.readQuietly() > 0) {
                        intake.drain(pipe.readEnd().readable());
                    }
                    output = intake.toOutput();
                } finally {
                    release();
                }
            }
            if (output == null) {
                throw new IOException("an output of a program was not collected", trouble);
            }
            return output;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean atRest() throws IOException {
        lock.lock();
        try {
            return released || !pipe.readEnd().isReadable();
        } finally {
            lock.unlock();
        }
    }

    /** Ends the stream without a result, unless it has ended. */
    @Override
    public void close() {
        lock.lock();
        try {
            release();
        } finally {
            lock.unlock();
        }
    }

    private void release() {
        if (!released) {
            released = true;
            poller.forget(token, pipe.readEnd());
            pipe.close();
        }
    }
}
