// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The directory of one worker in a hierarchy: {@code cloister-NAMESPACE-PID-START-COUNT}, with the
 * PID namespace that the process number is of, and the start time of the process in ticks of the
 * clock since the machine's start, so that a later process with the number is not taken for it.
 */
final class WorkerGroup {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerGroup.class);
    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final Pattern NAME =
            Pattern.compile("cloister-(\\d{1,10})-(\\d{1,10})-(\\d{1,19})-\\d{1,10}");
    private static final Pattern DIGITS = Pattern.compile("\\d+");
    private static final Path PROC = Path.of("/proc");

    private WorkerGroup() {}

    /** A name that no other worker has, nor any before in this one. */
    static String newName() throws IOException {
        return name(ProcessHandle.current().pid(), COUNT.incrementAndGet());
    }

    /** The name that a process's directory has. */
    static String name(long pid, int count) throws IOException {
        return "cloister-%s-%d-%d-%d".formatted(pidNamespace(), pid, startTime(pid), count);
    }

    /**
     * Removes what workers have left that are gone, with the processes in there. What cannot be
     * removed is logged: it takes nothing from this worker.
     *
     * @param parent where workers have their directories
     */
    static void sweep(Path parent) {
        try {
            String namespace = pidNamespace();
            for (Path group : Groups.children(parent)) {
                Matcher name = NAME.matcher(group.getFileName().toString());
                if (name.matches()
                        && name.group(1).equals(namespace)
                        && isGone(Long.parseLong(name.group(2)), Long.parseLong(name.group(3)))) {
                    LOG.info("removing {}, whose worker is gone", group);
                    remove(group);
                }
            }
        } catch (IOException e) {
            LOG.warn("cannot look for groups of earlier workers in {}: {}", parent, e.getMessage());
        }
    }

    /** Removes this worker's directory, unless there is a container's in it still. */
    static void removeIfEmpty(Path group) {
        if (LibC.rmdir(group.toString()) == -1 && !LibC.errno().equals(Errno.ENOENT)) {
            LOG.warn("{} stays: {}", group, LibC.errno());
        }
    }

    private static void remove(Path group) {
        try {
            Groups.remove(group);
        } catch (IOException e) {
            LOG.warn("cannot remove {}: {}", group, e.getMessage());
        }
    }

    private static boolean isGone(long pid, long startTime) throws IOException {
        // not by /proc alone, which may hide the processes of others
        if (pid > Integer.MAX_VALUE
                || (LibC.kill((int) pid, 0) == -1 && LibC.errno().equals(Errno.ESRCH))) {
            return true;
        }
        try {
            return startTime(pid) != startTime;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private static String pidNamespace() throws IOException {
        String link = Files.readSymbolicLink(PROC.resolve("self/ns/pid")).toString();
        Matcher number = DIGITS.matcher(link);
        if (!number.find()) {
            throw new IOException("/proc/self/ns/pid is " + link);
        }
        return number.group();
    }

    private static long startTime(long pid) throws IOException {
        return startTime(Files.readString(PROC.resolve(pid + "/stat")));
    }

    /** Field 22 of proc_pid_stat(5); the second, the name, may have blanks and parentheses. */
    static long startTime(String stat) throws IOException {
        String[] afterName = stat.substring(stat.lastIndexOf(')') + 1).strip().split(" ");
        if (afterName.length < 20) {
            throw new IOException("proc stat has only '" + stat.strip() + "'");
        }
        return StatText.number(afterName[19], "a process's stat");
    }
}
