// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.Linux;
import io.cloister.protocol.message.Standstill;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A look at all threads of a container's programs: whether each sleeps in a system call that only
 * another one can end.
 *
 * <p>It is known by what the kernel says of each thread below /proc/PID/task (proc(5)): {@code
 * stat}, {@code syscall}, {@code schedstat} and {@code fd}. That needs the rights of ptrace(2) over
 * the programs, which root has, and an ordinary user over those in a user namespace of its own. For
 * what cannot be known the answer is no: where a file is missing or may not be read, where there
 * are more than {@link #MAX_THREADS} threads, and when a thread sleeps for a limited time, is
 * stopped, or waits for anything that is not listed here. Unseen are timers that send a signal or
 * make a descriptor readable (alarm(2), timerfd_create(2)), so give programs more time than one
 * look takes. Programs' own words, such as their names, are not read.
 *
 * <p>A process counts only if its parent is still the one that it was found by: its number cannot
 * have become a stranger's meanwhile.
 */
public final class ThreadLook {
    /** With more the answer is no, so that a look stays short: some 40 us for each thread. */
    public static final int MAX_THREADS = 100;

    private final int init;

    /** How long each has run so far, and how often. */
    private final Map<Integer, String> ran = new TreeMap<>();

    private boolean inPipe;

    private ThreadLook(int init) {
        this.init = init;
    }

    private record Found(int process, int parent) {}

    /**
     * Looks at a container's programs, up to the first thread that does not wait. May take some
     * milliseconds.
     *
     * @param init the container's first process, by its number here; what it does itself does not
     *     count. Whether it was still that process is for the caller to make sure of afterwards
     * @return empty where a thread does not wait, where there is none, and where that cannot be
     *     known
     */
    public static Optional<Standstill> at(int init) {
        try {
            return new ThreadLook(init).standstill();
        } catch (IOException | DirectoryIteratorException e) {
            return Optional.empty(); // gone meanwhile, or not ours to see
        }
    }

    private Optional<Standstill> standstill() throws IOException {
        Deque<Found> processes = new ArrayDeque<>();
        for (int thread : threads(init)) {
            processes.addAll(children(init, thread));
        }
        while (!processes.isEmpty()) {
            Found found = processes.remove();
            int process = found.process();
            for (int thread : threads(process)) {
                if (ran.size() >= MAX_THREADS || !waits(process, thread)) {
                    return Optional.empty();
                }
                processes.addAll(children(process, thread));
            }
            if (parent(process) != found.parent()) { // only now: its number was its own
                return Optional.empty();
            }
        }
        return ran.isEmpty()
                ? Optional.empty()
                : Optional.of(new Standstill(inPipe, fingerprint()));
    }

    private long fingerprint() {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            return ByteBuffer.wrap(digest.digest(ran.toString().getBytes(StandardCharsets.UTF_8)))
                    .getLong();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private boolean waits(int process, int thread) throws IOException {
        String task = task(process, thread);
        String stat = read(task + "/stat");
        char state = afterName(stat).charAt(0);
        String schedstat = read(task + "/schedstat");
        if (schedstat.startsWith("0 ")) {
            return false; // a kernel that does not count
        }
        ran.put(thread, state + " " + schedstat);
        if (state == 'Z' || state == 'X') {
            return true; // it will never run again
        }
        if (state != 'S') {
            return false;
        }
        Optional<BlockedCall> call = BlockedCall.parse(read(task + "/syscall"));
        if (call.isEmpty()) {
            return false;
        }
        return switch (call.get().kind()) {
            case OTHER -> false;
            case WAITS -> true;
            case MOVES_BYTES -> {
                Path fd = Path.of(task, "fd", Long.toString(call.get().descriptor()));
                boolean pipe = Files.readSymbolicLink(fd).toString().startsWith("pipe:[");
                inPipe |= pipe;
                yield pipe;
            }
        };
    }

    /** The fields of stat from the state on: the name before them may hold anything. */
    private static String afterName(String stat) {
        return stat.substring(stat.lastIndexOf(')') + 2);
    }

    private static int parent(int process) throws IOException {
        return Integer.parseInt(afterName(read("/proc/" + process + "/stat")).split(" ", -1)[1]);
    }

    private static String task(int process, int thread) {
        return "/proc/" + process + "/task/" + thread;
    }

    private static List<Integer> threads(int process) throws IOException {
        List<Integer> threads = new ArrayList<>();
        try (DirectoryStream<Path> tasks =
                Files.newDirectoryStream(Path.of("/proc/" + process + "/task"))) {
            for (Path task : tasks) {
                threads.add(Integer.valueOf(task.getFileName().toString()));
                if (threads.size() > MAX_THREADS) {
                    throw new IOException("too many threads");
                }
            }
        }
        return threads;
    }

    private static List<Found> children(int parent, int thread) throws IOException {
        List<Found> children = new ArrayList<>();
        for (String number : read(task(parent, thread) + "/children").split(" ", -1)) {
            if (!number.isBlank()) {
                children.add(new Found(Integer.parseInt(number), parent));
            }
        }
        return children;
    }

    /** A file of the kernel's, which is short. */
    private static String read(String path) throws IOException {
        ByteBuffer chunk = Chunk.own();
        try (Fd file = Fd.open(path, Linux.O_RDONLY, 0)) {
            file.readSome(chunk);
        }
        if (!chunk.hasRemaining()) {
            throw new IOException(path + " is too long");
        }
        return StandardCharsets.ISO_8859_1.decode(chunk.flip()).toString().strip();
    }
}
