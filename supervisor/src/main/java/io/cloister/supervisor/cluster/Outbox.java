// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Which answers to a client are held back for a moment, to cross the network together: what a node
 * spends on a message that comes alone, it spends on several that come at once. Not thread-safe.
 *
 * <p>An answer is held back while others follow each other closely, and only as long as no slot is
 * the worse for it: while more of the client's runs wait than run, so that the slots have work
 * until the client has sent more.
 *
 * @param <A> what stands for an answer
 */
final class Outbox<A> {
    /**
     * How patient a queue is.
     *
     * @param closely answers that come less often than this are not held back
     * @param limit after this, and what Akka's timers are late, they are taken whatever comes
     */
    record Patience(Duration closely, Duration limit) {
        static final Patience USUAL = new Patience(Duration.ofMillis(2), Duration.ofMillis(5));
    }

    private static final int MAX_HELD_BACK = 16;

    private final long closelyNanos;
    private final List<A> heldBack = new ArrayList<>();
    private int waiting;
    private int running;
    private boolean answered;
    private long answeredAt;

    Outbox(Patience patience) {
        closelyNanos = patience.closely().toNanos();
    }

    /** Has so many more of the client's runs wait and run; negative for less. */
    void count(int moreWaiting, int moreRunning) {
        waiting += moreWaiting;
        running += moreRunning;
    }

    /** Whether none of the client's runs waits or runs. */
    boolean isUnused() {
        return waiting == 0 && running == 0;
    }

    /**
     * Puts an answer in.
     *
     * @param now in nanoseconds
     * @return whether all that are in it are to be taken now
     */
    boolean add(A answer, long now) {
        boolean closely = answered && now - answeredAt < closelyNanos;
        answered = true;
        answeredAt = now;
        heldBack.add(answer);
        return !closely || waiting <= running || heldBack.size() >= MAX_HELD_BACK;
    }

    /** Takes all out, in the order in which they came. */
    List<A> take() {
        List<A> all = List.copyOf(heldBack);
        heldBack.clear();
        return all;
    }
}
