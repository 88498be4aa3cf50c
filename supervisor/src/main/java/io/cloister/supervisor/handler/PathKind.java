// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.Structs;
import io.cloister.nativeio.program.SyscallProgram;

/** What is found at a path, as far as a mount on it or of it must know. */
enum PathKind {
    MISSING,
    FILE,
    DIRECTORY;

    static PathKind of(Structs.Stat stat) {
        return stat.isDirectory() ? DIRECTORY : FILE;
    }

    /**
     * Appends a step that ends the program unless this is what is found. A trailing slash lets a
     * path lead to a directory only, path_resolution(7).
     */
    Step expect(SyscallProgram.Builder b, String path) {
        Step look =
                b.call(
                        "expect " + name(),
                        path,
                        Sys.FACCESSAT2,
                        Arg.AT_FDCWD,
                        b.string(this == MISSING ? path : path + "/").address(),
                        Arg.of(Linux.F_OK),
                        Arg.ZERO);
        return switch (this) {
            case MISSING -> look.ignoring(Errno.ENOENT).positive();
            case FILE -> look.ignoring(Errno.ENOTDIR).positive();
            case DIRECTORY -> look;
        };
    }
}
