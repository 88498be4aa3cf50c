// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import java.io.IOException;

/** A system call of the worker itself failed: which, on what, and with which errno. */
public final class SystemCallException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    public SystemCallException(String call, String subject, Errno errno) {
        super(call + " " + subject + ": " + errno);
        this.errno = errno.number();
    }

    public Errno errno() {
        return new Errno(errno);
    }

    /** Passes a C result on unless it is -1, which becomes an exception with the thread's errno. */
    public static long check(long result, String call, String subject) throws SystemCallException {
        if (result == -1) {
            throw new SystemCallException(call, subject, LibC.errno());
        }
        return result;
    }
}
