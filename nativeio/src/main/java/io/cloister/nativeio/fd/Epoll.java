// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import com.sun.jna.Memory;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;

/**
 * Waits for many descriptors at once, level-triggered: epoll(7). One thread waits; any may change
 * what is waited for meanwhile.
 *
 * <p>Remove a descriptor before closing it: one that a process forked elsewhere in this JVM still
 * has would go on being reported.
 */
public final class Epoll implements AutoCloseable {
    private static final int AT_ONCE = 64;

    private final Fd epoll;
    private final Memory ready = new Memory((long) AT_ONCE * Linux.epoll_event_SIZE);
    private final Memory change = new Memory(Linux.epoll_event_SIZE);

    private Epoll(Fd epoll) {
        this.epoll = epoll;
    }

    public static Epoll open(String what) throws IOException {
        long fd = LibC.epoll_create1(Linux.EPOLL_CLOEXEC);
        return new Epoll(Fd.own((int) SystemCallException.check(fd, "epoll_create1", what), what));
    }

    /**
     * Begins to wait for a descriptor.
     *
     * @param events such as {@code EPOLLIN}; errors and hang-ups are reported in any case
     * @param token what {@link #token} gives back
     */
    public void add(Fd fd, int events, long token) throws IOException {
        change(Linux.EPOLL_CTL_ADD, "EPOLL_CTL_ADD", fd, events, token);
    }

    /** Waits for other events of a descriptor from now on. */
    public void modify(Fd fd, int events, long token) throws IOException {
        change(Linux.EPOLL_CTL_MOD, "EPOLL_CTL_MOD", fd, events, token);
    }

    /** Waits for a descriptor no longer. */
    public void remove(Fd fd) throws IOException {
        change(Linux.EPOLL_CTL_DEL, "EPOLL_CTL_DEL", fd, 0, 0);
    }

    private synchronized void change(int operation, String name, Fd fd, int events, long token)
            throws IOException {
        change.setInt(Linux.epoll_event_events, events);
        change.setLong(Linux.epoll_event_data, token);
        long result = LibC.epoll_ctl(epoll.number(), operation, fd.number(), change);
        SystemCallException.check(result, "epoll_ctl " + name, fd.what());
    }

    /**
     * Waits until something has happened, for as long as it takes.
     *
     * @return for how many descriptors {@link #token} and {@link #events} now tell, at least 1
     */
    public int await() throws IOException {
        int n;
        do {
            n = wait(-1);
        } while (n == 0);
        return n;
    }

    /** As {@link #await}, but does not wait: 0 when nothing has happened. */
    public int look() throws IOException {
        return wait(0);
    }

    private int wait(int millis) throws IOException {
        int n = LibC.epoll_wait(epoll.number(), ready, AT_ONCE, millis);
        if (n == -1) {
            Errno errno = LibC.errno();
            if (!errno.equals(Errno.EINTR)) {
                throw new SystemCallException("epoll_wait", epoll.what(), errno);
            }
            return 0;
        }
        return n;
    }

    public long token(int index) {
        return ready.getLong((long) index * Linux.epoll_event_SIZE + Linux.epoll_event_data);
    }

    public int events(int index) {
        return ready.getInt((long) index * Linux.epoll_event_SIZE + Linux.epoll_event_events);
    }

    @Override
    public void close() {
        epoll.close();
    }
}
