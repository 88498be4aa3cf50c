// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.program.SyscallFailure;
import io.cloister.protocol.message.Failure;

/** The native layer's failures as values of the protocol. */
public final class Failures {
    private Failures() {}

    /** A step that failed, of the general kind. */
    static Failure of(SyscallFailure failure) {
        return of(Failure.Kind.SYSCALL, failure);
    }

    /** A step that failed, of a kind that tells the caller what to do. */
    static Failure of(Failure.Kind kind, SyscallFailure failure) {
        return failure.errno().equals(Errno.NONE)
                ? new Failure(
                        kind,
                        failure.step(),
                        failure.subject(),
                        java.util.OptionalInt.empty(),
                        "",
                        failure.detail())
                : Failure.ofErrno(
                        kind,
                        failure.step(),
                        failure.subject(),
                        failure.errno().number(),
                        failure.errno().symbol(),
                        failure.detail());
    }
}
