// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.fd.Fd;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What this process has of the host: descriptors, threads, child processes, control groups, mounts,
 * locks, System V IPC objects; as counts by kind. What the JVM and Akka open and start when they
 * please is left out.
 */
public record HostState(Map<String, Integer> counts) {
    /** When nothing is left, that is so at once; the machine may be busy. */
    private static final Duration LIMIT = Duration.ofSeconds(5);

    private static final Path PROC = Path.of("/proc");
    private static final String DELETED = " (deleted)";

    public static HostState now() {
        Map<String, Integer> counts = new TreeMap<>();
        try {
            descriptors(counts);
            add(counts, "descriptors that their owner lost", (int) Fd.leaks());
            threads(counts);
            processes(counts);
            add(counts, "control groups", ControlGroups.all().size());
            mounts(counts);
            locks(counts);
            for (String kind : List.of("msg", "sem", "shm")) {
                add(counts, "System V " + kind, lines(PROC.resolve("sysvipc/" + kind)).size() - 1);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new HostState(counts);
    }

    /** Waits until there is no more of anything than then; less is fine: caches come and go. */
    public void assertUnchanged() {
        Waiting.within(
                LIMIT, () -> assertThat(now().moreThan(this)).as("more than before").isEmpty());
    }

    /** What there is more of than in another state: by kind, how many before and now. */
    private Map<String, String> moreThan(HostState before) {
        Map<String, String> more = new TreeMap<>();
        counts.forEach((kind, count) -> {
            int then = before.counts.getOrDefault(kind, 0);
            if (count > then) {
                more.put(kind, then + " -> " + count);
            }
        });
        return more;
    }

    private static void add(Map<String, Integer> counts, String kind, int count) {
        if (count > 0) {
            counts.merge(kind, count, Integer::sum);
        }
    }

    // ---- descriptors ------------------------------------------------------------------------

    private static void descriptors(Map<String, Integer> counts) throws IOException {
        try (DirectoryStream<Path> open = Files.newDirectoryStream(PROC.resolve("self/fd"))) {
            for (Path fd : open) {
                String target;
                try {
                    target = Files.readSymbolicLink(fd).toString();
                } catch (IOException e) {
                    continue; // it was the listing's own, or is closed by now
                }
                if (!isTheJvmsOwn(target)) {
                    add(counts, "descriptor " + withoutNumbers(target), 1);
                }
            }
        }
    }

    private static boolean isTheJvmsOwn(String target) {
        return target.endsWith(".jar")
                || target.endsWith(".so")
                || target.endsWith("/modules")
                || target.contains("/surefire")
                || target.startsWith("/proc/")
                || target.startsWith("/sys/fs/cgroup")
                || target.equals("/dev/random")
                || target.equals("/dev/urandom");
    }

    /** Of sockets, pipes and processes: what they are, not which. */
    private static String withoutNumbers(String text) {
        return text.replace(DELETED, "").replaceAll("[0-9]+", "N");
    }

    // ---- threads ----------------------------------------------------------------------------

    private static void threads(Map<String, Integer> counts) {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("cloister-")) {
                add(counts, "thread " + withoutNumbers(thread.getName()), 1);
            }
        }
    }

    // ---- processes --------------------------------------------------------------------------

    private record Entry(long pid, long parent, String name, boolean zombie) {}

    /** All descendants of this process, zombies as such. */
    private static void processes(Map<String, Integer> counts) throws IOException {
        List<Entry> all = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(PROC, "[0-9]*")) {
            for (Path entry : entries) {
                try {
                    all.add(
                            parse(
                                    Files.readString(
                                            entry.resolve("stat"), StandardCharsets.ISO_8859_1)));
                } catch (IOException e) {
                    // it has ended
                }
            }
        }
        List<Long> parents = new ArrayList<>(List.of(ProcessHandle.current().pid()));
        for (int i = 0; i < parents.size(); i++) {
            for (Entry process : all) {
                if (process.parent() == parents.get(i)) {
                    parents.add(process.pid());
                    String kind = process.zombie() ? "zombie " : "process ";
                    add(counts, kind + process.name(), 1);
                }
            }
        }
    }

    /** Programs choose their name, which may hold a parenthesis: proc_pid_stat(5). */
    private static Entry parse(String stat) {
        int name = stat.indexOf('(');
        int end = stat.lastIndexOf(')');
        String[] rest = stat.substring(end + 2).split(" ");
        return new Entry(
                Long.parseLong(stat.substring(0, name).trim()),
                Long.parseLong(rest[1]),
                stat.substring(name + 1, end),
                rest[0].equals("Z"));
    }

    // ---- the rest ---------------------------------------------------------------------------

    private static void mounts(Map<String, Integer> counts) throws IOException {
        for (String line : lines(PROC.resolve("self/mountinfo"))) {
            add(counts, "mount on " + line.split(" ")[4], 1);
        }
    }

    /** Neighbouring locks of one process are one to the kernel: bytes are counted. */
    private static void locks(Map<String, Integer> counts) throws IOException {
        String own = Long.toString(ProcessHandle.current().pid());
        for (String line : lines(PROC.resolve("locks"))) {
            String[] fields = line.split(" +");
            if (fields.length == 8 && fields[1].equals("POSIX") && fields[4].equals(own)) {
                long last = fields[7].equals("EOF") ? Long.MAX_VALUE : Long.parseLong(fields[7]);
                long bytes = last - Long.parseLong(fields[6]) + 1;
                add(counts, "locked bytes", (int) Math.min(bytes, Integer.MAX_VALUE / 2));
            }
        }
    }

    private static List<String> lines(Path file) throws IOException {
        return Files.readAllLines(file, StandardCharsets.ISO_8859_1);
    }
}
