// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Tells whether programs that are joined by pipes wait for each other for ever: every thread of all
 * of them sleeps in a system call that only another one can end, one of them at least in a pipe,
 * none has run since the last look, and the worker has nothing to pass on.
 *
 * <p>It is known by what the kernel says of each thread below /proc/PID/task (proc(5)): {@code
 * stat}, {@code syscall}, {@code schedstat} and {@code fd}. That needs the rights of ptrace(2) over
 * the programs, which root has, and an ordinary user over those in a user namespace of its own. For
 * what cannot be known the answer is no: where a file is missing or may not be read, where there
 * are more than {@link #MAX_THREADS} threads, and when a thread sleeps for a limited time, is
 * stopped, or waits for anything that is not listed here. Unseen are timers that send a signal or
 * make a descriptor readable (alarm(2), timerfd_create(2)), so give programs more time than one
 * look takes. Programs' own words, such as their names, are not read. Not thread-safe.
 */
public final class IdleWatch {
    /** Of all programs together; with more the answer is no, so that a look stays short. */
    public static final int MAX_THREADS = 100;

    private final List<Integer> inits;
    private final List<Flow> flows;
    private Optional<Map<Integer, String>> last = Optional.empty();

    /**
     * Watches the programs in some containers.
     *
     * @param inits the containers' first processes, by their numbers here; what they do themselves
     *     does not count
     * @param flows what the worker passes on for the programs
     */
    public IdleWatch(List<Integer> inits, List<? extends Flow> flows) {
        this.inits = List.copyOf(inits);
        this.flows = List.copyOf(flows);
    }

    /**
     * Looks at all programs, up to the first thread that does not wait: some 40 us for each.
     *
     * @return true when they wait for each other, and have done so since the last look; the first
     *     look is never enough
     */
    public boolean look() {
        Optional<Map<Integer, String>> now;
        try {
            now = new Look().waiting();
        } catch (IOException | DirectoryIteratorException e) {
            now = Optional.empty(); // gone meanwhile, or not ours to see
        }
        boolean idle = now.isPresent() && now.equals(last);
        last = now;
        return idle;
    }

    /** One look at all threads. */
    private final class Look {
        /** How long each has run so far, and how often. */
        private final Map<Integer, String> ran = new HashMap<>();

        private boolean inPipe;

        /** The threads that wait; empty when one does not, or when none waits in a pipe. */
        Optional<Map<Integer, String>> waiting() throws IOException {
            Deque<Integer> processes = new ArrayDeque<>();
            for (int init : inits) {
                for (int thread : threads(init)) {
                    processes.addAll(children(init, thread));
                }
            }
            while (!processes.isEmpty()) {
                int process = processes.remove();
                for (int thread : threads(process)) {
                    if (ran.size() >= MAX_THREADS || !waits(process, thread)) {
                        return Optional.empty();
                    }
                    processes.addAll(children(process, thread));
                }
            }
            for (Flow flow : flows) {
                if (!flow.atRest()) {
                    return Optional.empty();
                }
            }
            return inPipe ? Optional.of(ran) : Optional.empty();
        }

        private boolean waits(int process, int thread) throws IOException {
            String task = task(process, thread);
            String stat = read(task + "/stat");
            char state = stat.charAt(stat.lastIndexOf(')') + 2); // the name may hold anything
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

    private static List<Integer> children(int process, int thread) throws IOException {
        List<Integer> children = new ArrayList<>();
        for (String number : read(task(process, thread) + "/children").split(" ", -1)) {
            if (!number.isBlank()) {
                children.add(Integer.valueOf(number));
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
