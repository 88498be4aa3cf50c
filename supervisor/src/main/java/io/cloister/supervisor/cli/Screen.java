// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.nativeio.fd.Terminals;
import java.io.PrintWriter;
import java.util.List;
import java.util.function.Supplier;

/**
 * A terminal's alternate screen, which shows one text after another in place. What was on the
 * terminal is there again when this is closed, or a signal ends the JVM.
 *
 * <p>The sequences are those of xterm, which terminals of today have in common: console_codes(4).
 */
final class Screen implements AutoCloseable {
    private static final String ENTER = "\u001b[?1049h\u001b[?25l"; // and hide the cursor
    private static final String LEAVE = "\u001b[?25h\u001b[?1049l";
    private static final String HOME = "\u001b[H";
    private static final String END_LINE = "\u001b[K";
    private static final String END_SCREEN = "\u001b[J";

    private final PrintWriter out;
    private final Supplier<Terminals.Size> size;
    private final Thread atExit = new Thread(this::leave, "terminal");
    private boolean left;

    /** Takes the terminal that standard output leads to. */
    static Screen open(PrintWriter out) {
        Screen screen = new Screen(out, Terminal::outputSize);
        Runtime.getRuntime().addShutdownHook(screen.atExit);
        screen.enter();
        return screen;
    }

    /**
     * One that is not left at the JVM's end.
     *
     * @param size looked at for each text, since a window's may change
     */
    Screen(PrintWriter out, Supplier<Terminals.Size> size) {
        this.out = out;
        this.size = size;
    }

    synchronized void enter() {
        out.print(ENTER);
        out.flush();
    }

    /**
     * Shows a text from the top, cut to the window. It is written over the one before, for to clear
     * the screen first would flicker.
     */
    synchronized void show(String text) {
        if (left) {
            return;
        }
        Terminals.Size window = size.get();
        List<String> lines = text.lines().limit(Math.max(1, window.rows())).toList();
        StringBuilder all = new StringBuilder(HOME);
        for (int i = 0; i < lines.size(); i++) {
            all.append(i == 0 ? "" : "\r\n").append(cut(lines.get(i), window.columns()));
            all.append(END_LINE);
        }
        out.print(all.append(END_SCREEN));
        out.flush();
    }

    private static String cut(String line, int columns) {
        return line.codePointCount(0, line.length()) <= columns
                ? line
                : line.substring(0, line.offsetByCodePoints(0, columns));
    }

    private synchronized void leave() {
        if (!left) {
            left = true;
            out.print(LEAVE);
            out.flush();
        }
    }

    @Override
    public void close() {
        leave();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException shuttingDown) {
            // then it has run, or will, and do nothing
        }
    }
}
