// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** The control groups that workers in this JVM have made, in whatever hierarchies there are. */
final class ControlGroups {
    private static final int DEPTH = 8;

    private ControlGroups() {}

    /** All of their directories: of workers, containers and runs. */
    static List<Path> all() throws IOException {
        return of(ProcessHandle.current().pid());
    }

    /** Those of workers in this process. */
    static List<Path> of(long pid) throws IOException {
        String own = "-" + pid + "-";
        List<Path> groups = new ArrayList<>();
        for (String line :
                Files.readAllLines(Path.of("/proc/self/mountinfo"), StandardCharsets.ISO_8859_1)) {
            String type = line.substring(line.indexOf(" - ") + 3);
            if (type.startsWith("cgroup")) {
                add(groups, Path.of(line.split(" ")[4]), own, DEPTH);
            }
        }
        return groups;
    }

    private static void add(List<Path> groups, Path directory, String own, int depth)
            throws IOException {
        for (Path group : below(directory)) {
            String name = group.getFileName().toString();
            if (name.startsWith("cloister-") && name.contains(own)) {
                addAll(groups, group);
            } else if (depth > 0) {
                add(groups, group, own, depth - 1);
            }
        }
    }

    private static void addAll(List<Path> groups, Path group) throws IOException {
        groups.add(group);
        for (Path child : below(group)) {
            addAll(groups, child);
        }
    }

    private static List<Path> below(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.filter(Files::isDirectory).toList();
        } catch (NoSuchFileException e) {
            return List.of(); // it is removed as we look
        } catch (UncheckedIOException e) {
            return List.of();
        }
    }

    /** All processes that are in them. */
    static List<Long> processes() throws IOException {
        List<Long> processes = new ArrayList<>();
        for (Path group : all()) {
            try {
                Files.readAllLines(group.resolve("cgroup.procs")).stream()
                        .map(Long::valueOf)
                        .forEach(processes::add);
            } catch (IOException e) {
                // ENOENT or ENODEV: it is removed as we look
            }
        }
        return processes;
    }
}
