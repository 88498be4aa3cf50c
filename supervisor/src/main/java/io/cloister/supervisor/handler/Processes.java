// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallProgram;

/** Steps of PID 1 that leave no other process in its namespace. They run after failures too. */
final class Processes {
    private Processes() {}

    /**
     * Kills every process but PID 1, stopped and traced ones too: kill(2). No fork escapes it,
     * since the kernel lets none finish while the signal is pending.
     */
    static Step killAll(SyscallProgram.Builder b) {
        return b.call("kill", "all processes", Sys.KILL, Arg.of(-1), Arg.of(Linux.SIGKILL))
                .ignoring(Errno.ESRCH)
                .always();
    }

    /** Reaps until there is no child; its result is then minus ECHILD, the proof: wait4(2). */
    static Step reapAll(SyscallProgram.Builder b) {
        return b.call(
                        "reap",
                        "all processes",
                        Sys.WAIT4,
                        Arg.of(-1),
                        Arg.ZERO,
                        Arg.of(Linux.__WALL),
                        Arg.ZERO)
                .repeating()
                .ignoring(Errno.ECHILD)
                .always();
    }
}
