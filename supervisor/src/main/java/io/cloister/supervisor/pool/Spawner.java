// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.pool;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.cloister.nativeio.init.InitProcess;
import io.cloister.nativeio.init.Zygote;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Owns the worker's zygote and forks inits from it, one after the other. A zygote that has died is
 * replaced at the next request. Blocks for about a millisecond a fork: runs on a dispatcher of its
 * own kind.
 */
final class Spawner extends AbstractOnMessageBehavior<Spawner.Fork> {
    private static final Logger LOG = LoggerFactory.getLogger(Spawner.class);

    /**
     * Fork an init with ids of its own. Answered always, and within a bound of the zygote's.
     *
     * @param birth comes back with the answer
     */
    record Fork(long birth, ActorRef<Forked> replyTo) {}

    /** What came of it. */
    sealed interface Forked {
        long birth();
    }

    /** The receiver owns both; the claim may go once the init is gone. */
    record Born(long birth, InitProcess init, UidRanges.Claim claim) implements Forked {}

    record Stillborn(long birth, String reason) implements Forked {}

    private final UidRanges ranges;
    private @Nullable Zygote zygote;

    private Spawner(ActorContext<Fork> context, UidRanges ranges) {
        super(context);
        this.ranges = ranges;
    }

    static Behavior<Fork> create(UidRanges ranges) {
        return Behaviors.setup(context -> new Spawner(context, ranges));
    }

    @Override
    public Behavior<Fork> onMessage(Fork fork) {
        Forked forked;
        try {
            forked = fork(fork.birth());
        } catch (IOException | RuntimeException e) {
            LOG.warn("cannot create a container", e);
            forked = new Stillborn(fork.birth(), String.valueOf(e.getMessage()));
        }
        fork.replyTo().tell(forked);
        prepareNext();
        return this;
    }

    private void prepareNext() {
        try {
            if (zygote != null) {
                zygote.prepare();
            }
        } catch (IOException e) {
            LOG.warn("cannot prepare the next container", e); // its fork will try and tell
        }
    }

    private Forked fork(long birth) throws IOException {
        Zygote parent = livingZygote();
        UidRanges.Claim claim = ranges.claim();
        try {
            return new Born(birth, parent.fork(claim.ids()), claim);
        } catch (IOException | RuntimeException e) {
            claim.release();
            throw e;
        }
    }

    private Zygote livingZygote() throws IOException {
        Zygote current = zygote;
        if (current != null && current.isAlive()) {
            return current;
        }
        if (current != null) {
            LOG.warn("the zygote {} has died: starting another", current.pid());
            zygote = null;
            current.close();
        }
        Zygote started = Zygote.start();
        zygote = started;
        return started;
    }

    @Override
    public Behavior<Fork> onSignal(Signal signal) {
        if (signal instanceof PostStop && zygote != null) {
            try {
                zygote.close();
            } catch (IOException e) {
                LOG.warn("cannot end the zygote {}", zygote.pid(), e);
            }
        }
        return this;
    }
}
