// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;

/**
 * Something to wait for that any thread can make happen: eventfd(2). Its descriptor is readable
 * from {@link #signal} to {@link #clear}.
 */
public record EventFd(Fd fd) implements AutoCloseable {

    public static EventFd open(String what) throws IOException {
        long fd = LibC.eventfd(0, Linux.EFD_CLOEXEC | Linux.EFD_NONBLOCK);
        return new EventFd(Fd.own((int) SystemCallException.check(fd, "eventfd", what), what));
    }

    public void signal() throws IOException {
        byte[] one = new byte[Long.BYTES];
        one[0] = 1; // whatever the order of bytes, it is a small number
        SystemCallException.check(LibC.write(fd.number(), one, one.length), "signal", fd.what());
    }

    /** Does nothing unless it was signalled. */
    public void clear() {
        LibC.read(fd.number(), new byte[Long.BYTES], Long.BYTES);
    }

    @Override
    public void close() {
        fd.close();
    }
}
