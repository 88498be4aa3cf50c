// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.libc.LibC;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Looks at the host's processes and sends them signals, as an operator would. */
final class Processes {
    static final int SIGKILL = 9;
    static final int SIGCONT = 18;
    static final int SIGSTOP = 19;

    private Processes() {}

    static int parent(int pid) {
        return Integer.parseInt(status(pid, "PPid"));
    }

    /** A field of proc_pid_status(5). */
    static String status(int pid, String field) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
                if (line.startsWith(field + ":")) {
                    return line.substring(field.length() + 1).trim();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new AssertionError("no " + field);
    }

    static List<Integer> children(int pid) {
        List<Integer> children = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path entry : entries) {
                int child = Integer.parseInt(String.valueOf(entry.getFileName()));
                try {
                    String stat =
                            Files.readString(entry.resolve("stat"), StandardCharsets.ISO_8859_1);
                    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
                    if (Integer.parseInt(fields[1]) == pid) {
                        children.add(child);
                    }
                } catch (IOException e) {
                    // it has ended
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return children;
    }

    static void signal(int pid, int signal) {
        assertThat(LibC.kill(pid, signal)).as("kill %d", pid).isZero();
    }

    /** Whether it is there, as more than a zombie. */
    static boolean isAlive(int pid) {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            return stat.charAt(stat.lastIndexOf(')') + 2) != 'Z';
        } catch (NoSuchFileException e) {
            return false;
        } catch (IOException e) {
            return false; // ESRCH: it ended while being read
        }
    }
}
