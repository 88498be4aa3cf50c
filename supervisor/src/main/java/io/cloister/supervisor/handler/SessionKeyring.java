// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.SyscallProgram;

/**
 * init's session keyring (session-keyring(7)), which programs inherit: a new one at conf, so that
 * they do not have the worker's, and after programs ran, so that they do not have each other's.
 *
 * <p>Joining one takes 4 to 5 µs, and the kernel frees old ones in its own time while a user may
 * own 200 keys: so not before each program.
 */
final class SessionKeyring {
    private SessionKeyring() {}

    /**
     * Goes on where keys are not to be had, by the kernel or by the filter that a worker is under.
     */
    static void join(SyscallProgram.Builder b) {
        b.call(
                        "join session keyring",
                        "",
                        Sys.KEYCTL,
                        Arg.of(Linux.KEYCTL_JOIN_SESSION_KEYRING),
                        Arg.ZERO)
                .continuing();
    }
}
