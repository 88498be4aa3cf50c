// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.ProcessStructs;
import io.cloister.nativeio.program.SyscallProgram;
import java.time.Duration;

/** Lets time pass in init, so that nobody need wait here for what the kernel does by and by. */
public final class Pause {
    private Pause() {}

    /** A program that does nothing for this long: ppoll(2). */
    public static SyscallProgram of(Duration length) {
        SyscallProgram.Builder b = SyscallProgram.named("pause");
        b.call(
                "wait",
                "for the kernel",
                Sys.PPOLL,
                Arg.ZERO,
                Arg.ZERO,
                ProcessStructs.timespec(b, length).address(),
                Arg.ZERO);
        return b.build();
    }
}
