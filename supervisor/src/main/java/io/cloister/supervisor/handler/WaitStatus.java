// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

/** The status word of wait(2), which the C library takes apart with macros. */
final class WaitStatus {
    private static final int SIGNAL = 0x7f;
    private static final int CORE = 0x80;

    private WaitStatus() {}

    static boolean exited(int status) {
        return (status & SIGNAL) == 0;
    }

    static int exitCode(int status) {
        return status >> 8 & 0xff;
    }

    static int signal(int status) {
        return status & SIGNAL;
    }

    static boolean coreDumped(int status) {
        return (status & CORE) != 0;
    }
}
