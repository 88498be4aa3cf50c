// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.nativeio.fd.Terminals;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether somebody is watching. */
public final class Terminal {
    private static final int STDOUT = 1;
    private static final int STDERR = 2;
    private static final Terminals.Size USUAL = new Terminals.Size(24, 80);

    private Terminal() {}

    /**
     * Whether standard error is a terminal; {@code System.console} cannot tell its streams apart.
     */
    public static boolean watchesErrors() {
        return watches(STDERR);
    }

    /** Whether standard output is one. */
    static boolean watchesOutput() {
        return watches(STDOUT);
    }

    /** The window's size if standard output is one, else the usual one. */
    static Terminals.Size outputSize() {
        return Terminals.size(STDOUT)
                .filter(size -> size.rows() > 0 && size.columns() > 0) // a serial line knows none
                .orElse(USUAL);
    }

    private static boolean watches(int descriptor) {
        try {
            String target =
                    Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
        } catch (IOException e) {
            return false; // closed, or no /proc
        }
    }
}
