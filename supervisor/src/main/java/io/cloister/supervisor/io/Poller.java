// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import io.cloister.nativeio.fd.Epoll;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.Pipe;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread that serves whatever descriptors have something to read or room to write; it
 * starts when the first is watched, and sleeps as long as nothing happens to any.
 */
final class Poller implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Poller.class);
    private static final long WAKE_UP = 0;

    /** Every watcher returns at once, so that this is never reached. */
    private static final Duration END = Duration.ofSeconds(10);

    private final Map<Long, Watcher> watchers = new ConcurrentHashMap<>();
    private @Nullable Running running;
    private boolean closed;
    private long lastToken = WAKE_UP;

    /** Serves one descriptor, on the poller's thread, and never waits. */
    interface Watcher {
        /**
         * Something happened, or did until a moment ago.
         *
         * @param events of epoll(7)
         */
        void ready(int events) throws IOException;

        /** The descriptor is served no longer, because {@link #ready} threw or the poller ended. */
        void failed(Throwable cause);
    }

    /** What there is while the thread is. */
    private record Running(Thread thread, Epoll epoll, Pipe wake) {}

    /**
     * Begins to watch a descriptor.
     *
     * @return a token for the other methods
     * @throws IOException also when the poller is closed
     */
    synchronized long watch(Fd fd, int events, Watcher watcher) throws IOException {
        if (closed) {
            throw ended();
        }
        if (running == null) {
            running = start();
        }
        long token = ++lastToken;
        watchers.put(token, watcher);
        try {
            running.epoll().add(fd, events, token);
        } catch (IOException e) {
            watchers.remove(token);
            throw e;
        }
        return token;
    }

    /** Watches for other events; 0 for none but errors and hang-ups. */
    synchronized void change(long token, Fd fd, int events) throws IOException {
        if (running != null && watchers.containsKey(token)) {
            running.epoll().modify(fd, events, token);
        }
    }

    /**
     * Stops watching, if it still does. The thread may be about to call the watcher: it checks,
     * under a lock of its own, whether it still has its descriptor.
     */
    synchronized void forget(long token, Fd fd) {
        if (watchers.remove(token) != null && running != null) {
            try {
                running.epoll().remove(fd);
            } catch (IOException e) {
                LOG.warn("cannot stop watching {}", fd, e);
            }
        }
    }

    private Running start() throws IOException {
        Epoll epoll = Epoll.open("streams of programs");
        try {
            Pipe wake = Pipe.open("end of the stream collector");
            epoll.add(wake.readEnd(), 0, WAKE_UP);
            Thread thread = new Thread(() -> serve(epoll), "cloister-streams");
            thread.setDaemon(true);
            thread.start();
            return new Running(thread, epoll, wake);
        } catch (IOException | RuntimeException e) {
            epoll.close();
            throw e;
        }
    }

    private void serve(Epoll epoll) {
        try {
            while (true) {
                int count = epoll.await();
                for (int i = 0; i < count; i++) {
                    long token = epoll.token(i);
                    if (token == WAKE_UP) {
                        return;
                    }
                    Watcher watcher = watchers.get(token);
                    if (watcher != null) { // else it was forgotten since
                        serve(watcher, epoll.events(i));
                    }
                }
            }
        } catch (IOException e) {
            LOG.error("cannot wait for the streams of programs any more", e);
        } finally {
            end();
        }
    }

    /** Memory may run out here as well, and must not take the others' streams with it. */
    private static void serve(Watcher watcher, int events) {
        try {
            watcher.ready(events);
        } catch (Throwable e) {
            watcher.failed(e);
        }
    }

    private void end() {
        List<Watcher> left;
        synchronized (this) {
            closed = true;
            left = List.copyOf(watchers.values());
            watchers.clear();
            if (running != null) {
                running.epoll().close();
                running.wake().close();
                running = null;
            }
        }
        left.forEach(watcher -> watcher.failed(ended()));
    }

    private static IOException ended() {
        return new IOException("the worker's stream collector has ended: start the worker anew");
    }

    /** Ends the thread; what is still watched fails. */
    @Override
    public void close() {
        Thread thread;
        synchronized (this) {
            closed = true;
            if (running == null) {
                return;
            }
            running.wake().writeEnd().close();
            thread = running.thread();
        }
        try {
            if (!thread.join(END)) {
                LOG.error("the thread of programs' streams does not end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
