// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.Pipe;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;

/** Streams that the worker has no part in once the program has them. */
public final class Streams {
    /** The worker's user owns a pipe, and a program that opens /dev/stdin is somebody else. */
    private static final int FOR_ALL = 0666;

    private Streams() {}

    /** A pipe whose ends programs can also open by name, as /dev/stdin or /dev/stdout. */
    public static Pipe pipe(String what) throws IOException {
        Pipe pipe = Pipe.open(what);
        try {
            pipe.writeEnd().setPermissions(FOR_ALL);
            return pipe;
        } catch (IOException | RuntimeException e) {
            pipe.close();
            throw e;
        }
    }

    /** {@code /dev/null}, for reading and writing. */
    public static Fd none() throws IOException {
        return Fd.open("/dev/null", Linux.O_RDWR, 0);
    }
}
