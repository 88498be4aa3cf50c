// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.stream.Stream;

/** What the kernel says of this process: proc(5). */
public final class OwnProcess {
    private static final Path TASKS = Path.of("/proc/self/task");
    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
    private static final int COMM_LENGTH = 15;

    private OwnProcess() {}

    /** How many descriptors are pipes, memory files or terminals: what is made here. */
    public static int descriptors() throws IOException {
        return descriptors("pipe:", "anon_inode:", "/memfd:", "/dev/pt");
    }

    /** How many descriptors are memory files. */
    public static int memoryFiles() throws IOException {
        return descriptors("/memfd:");
    }

    private static int descriptors(String... kinds) throws IOException {
        int count = 0;
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(DESCRIPTORS)) {
            for (Path entry : entries) {
                try {
                    String what = Files.readSymbolicLink(entry).toString();
                    if (Stream.of(kinds).anyMatch(what::startsWith)) {
                        count++;
                    }
                } catch (NoSuchFileException e) {
                    // closed meanwhile
                }
            }
        }
        return count;
    }

    /** How often a thread has gone to sleep so far. */
    static long sleeps(String thread) throws IOException {
        String comm = thread.substring(0, Math.min(thread.length(), COMM_LENGTH));
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(TASKS)) {
            for (Path entry : entries) {
                try {
                    if (Files.readString(entry.resolve("comm")).strip().equals(comm)) {
                        return sleeps(entry);
                    }
                } catch (NoSuchFileException e) {
                    // ended meanwhile
                }
            }
        }
        throw new IOException("no thread " + thread);
    }

    private static long sleeps(Path task) throws IOException {
        for (String line : Files.readAllLines(task.resolve("status"))) {
            if (line.startsWith("voluntary_ctxt_switches:")) {
                return Long.parseLong(line.substring(line.indexOf(':') + 1).strip());
            }
        }
        throw new IOException("no context switches in the status of " + task);
    }
}
