// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.Pipe;
import io.cloister.nativeio.fd.RawMode;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.fd.Terminals;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * Connects the terminal of this process with one that a program has: what is typed here is typed
 * there, what is shown there is shown here, and the window has the same size.
 *
 * <p>While it lasts, this process's terminal is in raw mode: Ctrl-C is the program's. Standard
 * input that is no terminal is typed as it is, and its end is typed as the end-of-file character.
 */
final class TerminalBridge implements AutoCloseable {
    private static final Terminals.Size ELSEWHERE = new Terminals.Size(24, 80);
    private static final int STDIN = 0;
    private static final int STDOUT = 1;
    private static final int BUFFER = 4096;

    /** How late a change of the window's size is seen. */
    private static final int LOOK_MILLIS = 200;

    private final Fd in;
    private final Fd out;
    private final Fd master;

    /** Kept open, so that a program that closes its descriptors does not hang the terminal up. */
    private final Fd slave;

    private final Pipe end;
    private final Optional<RawMode> raw;
    private final ByteBuffer typed = ByteBuffer.allocateDirect(BUFFER).limit(0);
    private final ByteBuffer shown = ByteBuffer.allocateDirect(BUFFER);
    private Terminals.Size size;
    private boolean inputEnded;

    TerminalBridge() throws IOException {
        in = own(STDIN);
        out = own(STDOUT);
        size = Terminals.size(STDIN).orElse(ELSEWHERE);
        master = Terminals.open();
        slave = Terminals.slave(master, size.rows(), size.columns());
        end = Pipe.open("end of the terminal");
        raw = RawMode.of(STDIN);
        Runtime.getRuntime().addShutdownHook(new Thread(this::restore, "restore-terminal"));
    }

    private static Fd own(int number) throws IOException {
        return StandardStreams.copy(number)
                .orElseThrow(() -> new IOException("descriptor " + number + " is closed: open it"));
    }

    /** A descriptor for the program. */
    Fd forProgram() throws IOException {
        return slave.duplicate();
    }

    /** The program has ended; from any thread. */
    void end() {
        end.writeEnd().close();
    }

    /** Goes on until {@link #end}, and until all that was written by then is shown. */
    void run() throws IOException {
        boolean last = false;
        while (true) {
            resize();
            PollSet poll = new PollSet();
            int ended = poll.add(end.readEnd(), 0);
            int keyboard =
                    inputEnded || typed.hasRemaining() ? PollSet.NONE : poll.add(in, Linux.POLLIN);
            int program =
                    poll.add(master, Linux.POLLIN | (typed.hasRemaining() ? Linux.POLLOUT : 0));
            poll.await(last ? 0 : LOOK_MILLIS);
            if (poll.isReady(keyboard, ~0)) {
                type();
            }
            if (poll.isReady(program, Linux.POLLOUT)) {
                master.writeSome(typed);
            }
            if (poll.isReady(program, Linux.POLLIN)) {
                show();
            } else if (last) {
                return;
            }
            last = poll.isReady(ended, ~0);
        }
    }

    private void type() throws IOException {
        typed.clear();
        if (in.readSome(typed) < 0) {
            inputEnded = true;
            typed.put((byte) Linux.CEOF);
        }
        typed.flip();
    }

    private void show() throws IOException {
        shown.clear();
        master.readSome(shown);
        byte[] bytes = new byte[shown.flip().remaining()];
        shown.get(bytes);
        out.write(bytes);
    }

    private void resize() throws IOException {
        Terminals.Size now = Terminals.size(STDIN).orElse(size);
        if (!now.equals(size)) {
            Terminals.resize(master, now);
            size = now;
        }
    }

    private void restore() {
        raw.ifPresent(RawMode::close);
    }

    @Override
    public void close() {
        restore();
        for (Fd fd : List.of(in, out, master, slave)) {
            fd.close();
        }
        end.close();
    }

    /** Descriptors to wait for: poll(2). */
    private static final class PollSet {
        static final int NONE = -1;
        private static final int MOST = 3;
        private static final int SIZE = 8; // struct pollfd: int fd, short events, short revents
        private static final int EVENTS = 4;
        private static final int REVENTS = 6;

        private final ByteBuffer set =
                ByteBuffer.allocate(MOST * SIZE).order(ByteOrder.nativeOrder());
        private int count;

        int add(Fd fd, int events) {
            set.putInt(count * SIZE, fd.number());
            set.putShort(count * SIZE + EVENTS, (short) events);
            return count++;
        }

        void await(int millis) throws IOException {
            int ready = LibC.poll(set.array(), count, millis);
            if (ready < 0 && !LibC.errno().equals(Errno.EINTR)) {
                throw new SystemCallException("poll", "the terminal", LibC.errno());
            }
        }

        boolean isReady(int index, int events) {
            return index != NONE && (set.getShort(index * SIZE + REVENTS) & events) != 0;
        }
    }
}
