// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Pseudo-terminals: pty(7). Neither end becomes this process's controlling terminal. */
public final class Terminals {
    private static final String MULTIPLEXER = "/dev/ptmx";

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
            ByteBuffer size =
                    ByteBuffer.allocate(Linux.winsize_SIZE)
                            .order(ByteOrder.nativeOrder())
                            .putShort(Linux.winsize_ws_row, (short) rows)
                            .putShort(Linux.winsize_ws_col, (short) columns);
            SystemCallException.check(
                    LibC.ioctl(slave.number(), Linux.TIOCSWINSZ, size.array()),
                    "ioctl TIOCSWINSZ",
                    slave.what());
            return slave;
        } catch (IOException | RuntimeException e) {
            slave.close();
            throw e;
        }
    }
}
