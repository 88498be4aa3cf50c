// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A shell that lives in a container's groups, as init does, and forks what tests run. */
final class Inhabitant implements AutoCloseable {
    private static final String END = "END-OF-COMMAND";

    private final Process shell;
    private final BufferedReader output;

    private Inhabitant(Process shell) {
        this.shell = shell;
        this.output =
                new BufferedReader(
                        new InputStreamReader(shell.getInputStream(), StandardCharsets.UTF_8));
    }

    static Inhabitant start() throws IOException {
        return new Inhabitant(
                new ProcessBuilder(
                                "sh",
                                "-c",
                                "while read -r line; do eval \"$line\"; echo " + END + "; done")
                        .redirectErrorStream(true)
                        .start());
    }

    int pid() {
        return (int) shell.pid();
    }

    /** Runs a line in the shell; what it prints. */
    List<String> run(String line) throws IOException {
        shell.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
        shell.getOutputStream().flush();
        List<String> lines = new ArrayList<>();
        while (true) {
            String next = output.readLine();
            if (next == null) {
                throw new IOException("the shell ended: " + lines);
            }
            if (next.equals(END)) {
                return lines;
            }
            lines.add(next);
        }
    }

    boolean isAlive() {
        return shell.isAlive();
    }

    Process process() {
        return shell;
    }

    @Override
    public void close() {
        shell.descendants().forEach(ProcessHandle::destroyForcibly);
        shell.destroyForcibly();
    }
}
