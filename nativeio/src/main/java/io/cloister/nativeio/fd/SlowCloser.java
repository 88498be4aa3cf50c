// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Closes descriptors that come from somebody who is not trusted. close(2) may wait for that peer
 * for as long as it likes: a file of its own FUSE is flushed first, and a TCP socket lingers
 * (SO_LINGER, socket(7)). So a thread of this object closes them, one after another, and ends when
 * none is left.
 *
 * <p>Have one for each peer, so that none waits for another's, and count {@link #pending} among the
 * descriptors that the peer may have open here.
 */
public final class SlowCloser {
    private final String what;
    private final Queue<Fd> queue = new ArrayDeque<>();
    private boolean running;
    private int pending;

    /**
     * @param what whose descriptors they are, for the thread's name
     */
    public SlowCloser(String what) {
        this.what = what;
    }

    /** Takes descriptors over; does not wait. */
    public synchronized void close(Collection<Fd> descriptors) {
        queue.addAll(descriptors);
        pending += descriptors.size();
        if (!running && !queue.isEmpty()) {
            running = true;
            Thread.ofPlatform().daemon().name("close " + what).start(this::run);
        }
    }

    /** How many are not closed yet. */
    public synchronized int pending() {
        return pending;
    }

    private void run() {
        Fd next = next();
        while (next != null) {
            next.close();
            synchronized (this) {
                pending--;
            }
            next = next();
        }
    }

    private synchronized @Nullable Fd next() {
        Fd next = queue.poll();
        running = next != null;
        return next;
    }
}
