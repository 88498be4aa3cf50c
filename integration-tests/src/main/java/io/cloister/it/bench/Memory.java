// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What processes take: proc_pid_smaps(5). All in KiB. */
final class Memory {
    /** As the zygote names the inits that it forks. */
    private static final String INIT = "cloister-init";

    private Memory() {}

    /** A field of a file in the style of /proc/meminfo. */
    static long kibibytes(Path file, String field) throws IOException {
        for (String line : Files.readAllLines(file)) {
            if (line.startsWith(field + ":")) {
                String number = line.substring(field.length() + 1).replace("kB", "").strip();
                return Long.parseLong(number);
            }
        }
        throw new IOException(file + " has no field " + field);
    }

    /** This JVM's resident set. */
    static long ownResident() throws IOException {
        return kibibytes(Path.of("/proc/self/smaps_rollup"), "Rss");
    }

    static long ownHeap() {
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() / 1024;
    }

    /** Drops what is no longer used, as far as a JVM can be asked to. */
    static void collectGarbage() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
    }

    /**
     * The private memory of each init that descends from this JVM; empty when it may not be read,
     * for init is not dumpable and so belongs to root.
     */
    static Optional<List<Long>> privateOfInits() throws IOException {
        List<Long> all = new ArrayList<>();
        List<ProcessHandle> processes = ProcessHandle.current().descendants().toList();
        for (ProcessHandle process : processes) {
            Path proc = Path.of("/proc/" + process.pid());
            try {
                if (!Files.readString(proc.resolve("comm")).strip().equals(INIT)) {
                    continue;
                }
                Path rollup = proc.resolve("smaps_rollup");
                all.add(kibibytes(rollup, "Private_Clean") + kibibytes(rollup, "Private_Dirty"));
            } catch (IOException e) {
                if (Files.exists(proc)) {
                    return Optional.empty();
                }
            }
        }
        return Optional.of(all);
    }
}
