// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.util.Optional;

/**
 * A terminal that passes on every key as it is, until this is closed: cfmakeraw(3). Closing it
 * twice does no harm, from any thread.
 */
public final class RawMode implements AutoCloseable {
    private final int fd;
    private final byte[] before;

    private RawMode(int fd, byte[] before) {
        this.fd = fd;
        this.before = before;
    }

    /** Nothing if the descriptor leads to no terminal. */
    public static Optional<RawMode> of(int fd) throws IOException {
        byte[] before = new byte[Linux.termios_SIZE];
        if (LibC.tcgetattr(fd, before) < 0) {
            return Optional.empty();
        }
        byte[] raw = before.clone();
        LibC.cfmakeraw(raw);
        SystemCallException.check(
                LibC.tcsetattr(fd, Linux.TCSADRAIN, raw), "tcsetattr", "the terminal");
        return Optional.of(new RawMode(fd, before));
    }

    /** As it was before; a terminal that is gone by now needs nothing. */
    @Override
    public void close() {
        LibC.tcsetattr(fd, Linux.TCSADRAIN, before);
    }
}
