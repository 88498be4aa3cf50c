// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import java.io.PrintWriter;

/**
 * Tells how far the work is: one line that changes on a terminal, a line for each piece of work
 * elsewhere. Safe for use by several threads.
 */
public final class Progress {
    private static final String CLEAR = "\r\u001b[K";

    private final PrintWriter out;
    private final boolean terminal;
    private final int total;
    private int done;

    public Progress(PrintWriter out, boolean terminal, int total) {
        this.out = out;
        this.terminal = terminal;
        this.total = total;
    }

    /** One more piece of work is done. */
    public synchronized void done(String what) {
        done++;
        String line = "[%d/%d] %s".formatted(done, total, what);
        if (terminal) {
            out.print(CLEAR + line);
        } else {
            out.println(line);
        }
        out.flush();
    }

    /** Leaves the terminal as it was. */
    public synchronized void end() {
        if (terminal) {
            out.print(CLEAR);
            out.flush();
        }
    }
}
