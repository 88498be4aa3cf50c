// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalInt;

/**
 * A process that cannot be mistaken for a later one with the same number: pidfd_open(2). Signals go
 * through the descriptor, never to a number.
 */
public final class PidFd implements AutoCloseable {
    private final Fd fd;

    public PidFd(Fd fd) {
        this.fd = fd;
    }

    /** Opens a process by its number in this PID namespace. */
    public static PidFd open(int pid) throws IOException {
        long fd = LibC.syscall(Sys.PIDFD_OPEN.number(), pid, 0, 0, 0);
        SystemCallException.check(fd, "pidfd_open", "process " + pid);
        return new PidFd(Fd.own((int) fd, "pidfd of process " + pid));
    }

    /**
     * The process's number in this process's PID namespace, from /proc/self/fdinfo (proc(5)); empty
     * once it has been reaped.
     */
    public OptionalInt pid() throws IOException {
        Path info = Path.of("/proc/self/fdinfo/" + fd.number());
        for (String line : Files.readAllLines(info, StandardCharsets.US_ASCII)) {
            if (line.startsWith("Pid:")) {
                int pid = Integer.parseInt(line.substring("Pid:".length()).trim());
                return pid > 0 ? OptionalInt.of(pid) : OptionalInt.empty();
            }
        }
        return OptionalInt.empty();
    }

    /**
     * Sends a signal: pidfd_send_signal(2).
     *
     * @return false when the process is gone already
     */
    public boolean signal(int signal) throws IOException {
        long result = LibC.syscall(Sys.PIDFD_SEND_SIGNAL.number(), fd.number(), signal, 0, 0);
        if (result == -1) {
            Errno errno = LibC.errno();
            if (errno.equals(Errno.ESRCH)) {
                return false;
            }
            throw new SystemCallException("pidfd_send_signal", fd.what(), errno);
        }
        return true;
    }

    /**
     * Waits until the process has ended (it may still be unreaped): poll(2). The end of a PID
     * namespace's init means that every process in the namespace is gone.
     *
     * @return false when it has not ended after {@code limit}
     */
    public boolean awaitExit(Duration limit) throws IOException {
        ByteBuffer poll = ByteBuffer.allocate(Linux.pollfd_SIZE).order(ByteOrder.nativeOrder());
        poll.putInt(Linux.pollfd_fd, fd.number());
        poll.putShort(Linux.pollfd_events, (short) Linux.POLLIN);
        long deadline = System.nanoTime() + limit.toNanos();
        while (true) {
            long left = Math.max(0, deadline - System.nanoTime());
            int n = LibC.poll(poll.array(), 1, (int) Math.ceilDiv(left, 1_000_000L));
            if (n > 0) {
                return true;
            }
            if (n == -1 && !LibC.errno().equals(Errno.EINTR)) {
                throw new SystemCallException("poll", fd.what(), LibC.errno());
            }
            if (left == 0) {
                return false;
            }
        }
    }

    public boolean hasExited() throws IOException {
        return awaitExit(Duration.ZERO);
    }

    public Fd fd() {
        return fd;
    }

    @Override
    public void close() {
        fd.close();
    }
}
