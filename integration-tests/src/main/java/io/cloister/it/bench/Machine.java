// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Where the numbers come from.
 *
 * @param load the average number of runnable tasks over the minute before: proc_loadavg(5)
 */
record Machine(
        String processor,
        int processors,
        boolean virtual,
        long memoryMiB,
        String kernel,
        String java,
        boolean root,
        double load) {

    static Machine here() throws IOException {
        List<String> cpu = Files.readAllLines(Path.of("/proc/cpuinfo"));
        String processor =
                cpu.stream()
                        .filter(line -> line.startsWith("model name"))
                        .map(line -> line.substring(line.indexOf(':') + 1).strip())
                        .findFirst()
                        .orElse(System.getProperty("os.arch"));
        boolean virtual =
                cpu.stream()
                        .anyMatch(line -> line.startsWith("flags") && line.contains("hypervisor"));
        String load = Files.readString(Path.of("/proc/loadavg"));
        return new Machine(
                processor,
                Runtime.getRuntime().availableProcessors(),
                virtual,
                Memory.kibibytes(Path.of("/proc/meminfo"), "MemTotal") / 1024,
                "Linux " + version(Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip()),
                System.getProperty("java.vm.name") + " " + Runtime.version(),
                "root".equals(System.getProperty("user.name")),
                Double.parseDouble(load.substring(0, load.indexOf(' '))));
    }

    /** Without what a builder has appended. */
    private static String version(String release) {
        int end = release.indexOf('-');
        return end < 0 ? release : release.substring(0, end);
    }

    String describe() {
        return "%d × %s%s, %d MiB, %s, %s, as %s; load average before: %.2f"
                .formatted(
                        processors,
                        processor,
                        virtual ? " (virtual machine)" : "",
                        memoryMiB,
                        kernel,
                        java,
                        root ? "root" : "an ordinary user",
                        load);
    }
}
