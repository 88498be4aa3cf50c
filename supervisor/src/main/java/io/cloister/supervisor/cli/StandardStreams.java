// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.util.Optional;

/** This process's own standard streams. */
final class StandardStreams {
    static final int COUNT = 3;

    /** Above the standard streams, so that a closed one is not taken for its copy. */
    private static final int FIRST_COPY = 3;

    private StandardStreams() {}

    /** A copy of a descriptor; nothing if this process was started without it. */
    static Optional<Fd> copy(int number) {
        int copy = LibC.fcntl(number, Linux.F_DUPFD_CLOEXEC, FIRST_COPY);
        return copy < 0 ? Optional.empty() : Optional.of(Fd.own(copy, "standard stream " + number));
    }
}
