// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Fields of /proc/PID/status: proc_pid_status(5). */
public final class ProcStatus {
    private ProcStatus() {}

    /** A field such as {@code State} or {@code SigBlk}, trimmed. */
    public static String field(long pid, String name) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
            if (line.startsWith(name + ":")) {
                return line.substring(name.length() + 1).trim();
            }
        }
        throw new IOException("no " + name + " of process " + pid);
    }

    /** A field that is a set of signals: bit n-1 is signal n. */
    public static long signals(long pid, String name) throws IOException {
        return Long.parseUnsignedLong(field(pid, name), 16);
    }
}
