// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.observe;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.Extension;
import akka.actor.typed.ExtensionId;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What the actors of an actor system count and measure. Several supervisors in one system add up.
 * Thread-safe.
 */
public final class Metrics implements Extension {
    private static final Id ID = new Id();

    /** Filled at once and never changed after that. */
    private final Map<Level, AtomicLong> levels = new EnumMap<>(Level.class);

    private volatile MetricsListener listener = MetricsListener.NONE;

    private static final class Id extends ExtensionId<Metrics> {
        @Override
        public Metrics createExtension(ActorSystem<?> system) {
            return new Metrics();
        }
    }

    private Metrics() {
        for (Level level : Level.values()) {
            levels.put(level, new AtomicLong());
        }
    }

    /** Those of a system. */
    public static Metrics get(ActorSystem<?> system) {
        return system.registerExtension(ID);
    }

    /** Has this one listener told from now on, in place of the one before. */
    public void listen(MetricsListener to) {
        listener = to;
    }

    /** Who is to be told. */
    public MetricsListener listener() {
        return listener;
    }

    /** How much there is now. */
    public long read(Level level) {
        return sum(level).get();
    }

    /** One actor's share of a level, 0 at first, to be set to 0 when the actor stops. */
    public Share share(Level level) {
        return new Share(sum(level));
    }

    private AtomicLong sum(Level level) {
        return Objects.requireNonNull(levels.get(level));
    }

    /** Of a level. Not thread-safe. */
    public static final class Share {
        private final AtomicLong sum;
        private long amount;

        private Share(AtomicLong sum) {
            this.sum = sum;
        }

        public void set(long now) {
            if (now != amount) {
                sum.addAndGet(now - amount);
                amount = now;
            }
        }

        public void add(long more) {
            set(amount + more);
        }
    }
}
