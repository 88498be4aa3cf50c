// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;

/** The two ends of a pipe: pipe2(2). Closing it closes the ends that are still open. */
public record Pipe(Fd readEnd, Fd writeEnd) implements AutoCloseable {

    /** A new pipe, both ends close-on-exec and blocking. */
    public static Pipe open(String what) throws IOException {
        int[] ends = new int[2];
        SystemCallException.check(LibC.pipe2(ends, Linux.O_CLOEXEC), "pipe2", what);
        return new Pipe(
                Fd.own(ends[0], "read end of " + what), Fd.own(ends[1], "write end of " + what));
    }

    @Override
    public void close() {
        readEnd.close();
        writeEnd.close();
    }
}
