// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.fd.Terminals;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.run.Terminal;
import io.cloister.protocol.unit.Bytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A pseudo-terminal that a program has as its standard streams: pty(7). What it shows is collected
 * like any output, echo and carriage returns included. The input is typed as fast as the program
 * takes it, then the end-of-file character; until a program changes that, lines of more than 4095
 * bytes are cut, as at any terminal (termios(3), canonical mode).
 */
public final class Pty implements AutoCloseable, Flow {
    /** Far above what the kernel buffers for a terminal, about 64 KiB. */
    private static final long MOST_PENDING = 256 * 1024;

    private static final int STANDARD_STREAMS = 3;

    private final Poller poller;
    private final ReentrantLock lock = new ReentrantLock();
    private final Fd master;

    /** Stays open, so that the program's end is no end of the terminal. */
    private final Fd slave;

    private final Intake intake;
    private final ByteBuffer toType;
    private final long token;
    private @Nullable Throwable trouble;
    private @Nullable Output output;

    Pty(Poller poller, Terminal terminal, Runnable exceeded) throws IOException {
        this.poller = poller;
        toType = typed(terminal.input());
        master = Terminals.open();
        try {
            slave = Terminals.slave(master, terminal.rows(), terminal.columns());
        } catch (IOException | RuntimeException e) {
            master.close();
            throw e;
        }
        intake = new Intake(master, terminal.max(), terminal.truncate(), exceeded);
        lock.lock(); // the echo may wake the thread before this is complete
        try {
            type();
            token = poller.watch(master, wanted(), new Watching());
        } catch (IOException | RuntimeException e) {
            master.close();
            slave.close();
            throw e;
        } finally {
            lock.unlock();
        }
    }

    /** The end-of-file character ends a line that is begun, and only then the input. */
    private static ByteBuffer typed(Bytes input) {
        ByteBuffer bytes = input.asBuffer();
        int length = bytes.remaining();
        boolean begun = length > 0 && bytes.get(length - 1) != '\n';
        ByteBuffer all = ByteBuffer.allocate(length + 2).put(bytes).put((byte) Linux.CEOF);
        return (begun ? all.put((byte) Linux.CEOF) : all).flip();
    }

    private final class Watching implements Poller.Watcher {
        @Override
        public void ready(int events) throws IOException {
            lock.lock();
            try {
                if (!master.isOpen()) {
                    return;
                }
                if ((events & Linux.EPOLLOUT) != 0) {
                    type();
                    poller.change(token, master, wanted());
                }
                if ((events & ~Linux.EPOLLOUT) != 0 && !read()) {
                    poller.forget(token, master);
                }
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void failed(Throwable cause) {
            lock.lock();
            try {
                if (master.isOpen()) {
                    trouble = cause;
                    close();
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private int wanted() {
        return toType.hasRemaining() ? Linux.EPOLLIN | Linux.EPOLLOUT : Linux.EPOLLIN;
    }

    /** Types as much as the terminal takes now. */
    private void type() throws IOException {
        while (toType.hasRemaining()) {
            ByteBuffer chunk = Chunk.own();
            int length = Math.min(chunk.remaining(), toType.remaining());
            chunk.put(toType.duplicate().limit(toType.position() + length)).flip();
            int n = master.writeSome(chunk);
            if (n == 0) {
                return;
            }
            toType.position(toType.position() + n);
        }
    }

    /** Reads once; false when the terminal was hung up. */
    private boolean read() throws IOException {
        try {
            return intake.read() >= 0;
        } catch (SystemCallException e) {
            if (e.errno().equals(Errno.EIO)) {
                return false;
            }
            throw e;
        }
    }

    /**
     * The program's descriptors 0, 1 and 2; the caller owns them. The first is meant to become its
     * controlling terminal.
     */
    public Map<Integer, Fd> forProgram() throws IOException {
        Map<Integer, Fd> all = new LinkedHashMap<>();
        lock.lock();
        try {
            for (int number = 0; number < STANDARD_STREAMS; number++) {
                all.put(number, slave.duplicate());
            }
            return all;
        } catch (IOException | RuntimeException e) {
            all.values().forEach(Fd::close);
            throw e;
        } finally {
            lock.unlock();
        }
    }

    /** As {@link Collected#finish}. */
    public Output finish() throws IOException {
        lock.lock();
        try {
            if (master.isOpen()) {
                try {
                    intake.drain(MOST_PENDING);
                } catch (SystemCallException e) {
                    if (!e.errno().equals(Errno.EIO)) {
                        throw e;
                    }
                } finally {
                    close();
                }
                output = intake.toOutput();
            }
            if (output == null) {
                throw new IOException("a program's terminal was not collected", trouble);
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
            return !master.isOpen()
                    || (!master.isReadable() && (!toType.hasRemaining() || !master.isWritable()));
        } finally {
            lock.unlock();
        }
    }

    /** Ends the terminal without a result, unless it has ended. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (master.isOpen()) {
                poller.forget(token, master);
                master.close();
                slave.close();
            }
        } finally {
            lock.unlock();
        }
    }
}
