// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** The host's processes, as proc(5) shows them. */
final class HostProcesses {
    private static final Path PROC = Path.of("/proc");

    private HostProcesses() {}

    /**
     * One process.
     *
     * @param started in clock ticks since boot: tells it from a later process of the same number
     * @param dead a zombie: nothing of it is left but a status for its parent
     * @param uid its real one
     */
    record Seen(long pid, long parent, String name, long started, boolean dead, long uid) {}

    static List<Seen> all(Predicate<Seen> which) throws IOException {
        List<Seen> all = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(PROC, "[0-9]*")) {
            for (Path entry : entries) {
                try {
                    Seen seen = look(entry);
                    if (which.test(seen)) {
                        all.add(seen);
                    }
                } catch (IOException e) {
                    // it has ended
                }
            }
        }
        return all;
    }

    /** All descendants of a process that live. */
    static List<Seen> descendants(long pid) throws IOException {
        List<Seen> all = all(seen -> !seen.dead());
        List<Seen> found = new ArrayList<>();
        List<Long> parents = new ArrayList<>(List.of(pid));
        for (int i = 0; i < parents.size(); i++) {
            long parent = parents.get(i);
            for (Seen seen : all) {
                if (seen.parent() == parent) {
                    parents.add(seen.pid());
                    found.add(seen);
                }
            }
        }
        return found;
    }

    /** Those of the given ones that live still. */
    static List<Seen> living(List<Seen> known) throws IOException {
        return all(now ->
                !now.dead()
                        && known.stream()
                                .anyMatch(then ->
                                        then.pid() == now.pid()
                                                && then.started() == now.started()));
    }

    /** Programs choose their name, which may hold a parenthesis: proc_pid_stat(5). */
    private static Seen look(Path entry) throws IOException {
        String stat = Files.readString(entry.resolve("stat"), StandardCharsets.ISO_8859_1);
        int name = stat.indexOf('(');
        int end = stat.lastIndexOf(')');
        String[] rest = stat.substring(end + 2).split(" ");
        String uid =
                Files.readAllLines(entry.resolve("status"), StandardCharsets.ISO_8859_1).stream()
                        .filter(line -> line.startsWith("Uid:"))
                        .findFirst()
                        .orElseThrow(() -> new IOException("no Uid"))
                        .split("\\s+")[1];
        return new Seen(
                Long.parseLong(stat.substring(0, name).trim()),
                Long.parseLong(rest[1]),
                stat.substring(name + 1, end),
                Long.parseLong(rest[22 - 3]),
                rest[0].equals("Z") || rest[0].equals("X"),
                Long.parseLong(uid));
    }
}
