// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/** Pseudo-terminals: pty(7). Neither end becomes this process's controlling terminal. */
public final class Terminals {
    private static final String MULTIPLEXER = "/dev/ptmx";

    /** Of a window, in characters. */
    public record Size(int rows, int columns) {}

    private Terminals() {}

    /** A new terminal's master, on which no call waits. */
    public static Fd open() throws IOException {
        Fd master = Fd.open(MULTIPLEXER, Linux.O_RDWR | Linux.O_NOCTTY | Linux.O_NONBLOCK, 0);
        try {
            byte[] unlocked = new byte[Integer.BYTES];
            SystemCallException.check(
                    LibC.ioctl(master.number(), Linux.TIOCSPTLCK, unlocked),
                    "ioctl TIOCSPTLCK",
                    MULTIPLEXER);
            return master;
        } catch (IOException | RuntimeException e) {
            master.close();
            throw e;
        }
    }

    /**
     * Opens the slave by its master, whichever devpts is mounted here, TIOCGPTPEER of ioctl_tty(2),
     * and sets the window's size.
     */
    public static Fd slave(Fd master, int rows, int columns) throws IOException {
        long flags = Linux.O_RDWR | Linux.O_NOCTTY | Linux.O_CLOEXEC;
        long number = LibC.ioctl(master.number(), Linux.TIOCGPTPEER, flags);
        SystemCallException.check(number, "ioctl TIOCGPTPEER", MULTIPLEXER);
        Fd slave = Fd.own((int) number, "a program's terminal");
        try {
            resize(slave, new Size(rows, columns));
            return slave;
        } catch (IOException | RuntimeException e) {
            slave.close();
            throw e;
        }
    }

    /**
     * Sets the window's size; when it changes, the kernel sends SIGWINCH to the foreground process
     * group.
     */
    public static void resize(Fd terminal, Size size) throws IOException {
        ByteBuffer winsize =
                ByteBuffer.allocate(Linux.winsize_SIZE)
                        .order(ByteOrder.nativeOrder())
                        .putShort(Linux.winsize_ws_row, (short) size.rows())
                        .putShort(Linux.winsize_ws_col, (short) size.columns());
        SystemCallException.check(
                LibC.ioctl(terminal.number(), Linux.TIOCSWINSZ, winsize.array()),
                "ioctl TIOCSWINSZ",
                terminal.what());
    }

    /** The size of a terminal's window; nothing if the descriptor leads to no terminal. */
    public static Optional<Size> size(int fd) {
        ByteBuffer winsize = ByteBuffer.allocate(Linux.winsize_SIZE).order(ByteOrder.nativeOrder());
        return LibC.ioctl(fd, Linux.TIOCGWINSZ, winsize.array()) < 0
                ? Optional.empty()
                : Optional.of(
                        new Size(
                                Short.toUnsignedInt(winsize.getShort(Linux.winsize_ws_row)),
                                Short.toUnsignedInt(winsize.getShort(Linux.winsize_ws_col))));
    }
}
