// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.pool;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.cloister.nativeio.cgroup.Cgroups;
import io.cloister.nativeio.cgroup.ContainerCgroup;
import io.cloister.nativeio.init.InitProcess;
import io.cloister.nativeio.init.Zygote;
import io.cloister.supervisor.observe.LogIds;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Owns the worker's zygote and forks inits from it, one after the other. A zygote that has died is
 * replaced before the next fork, one that died of a fork right after it. Blocks for about a
 * millisecond a fork: runs on a dispatcher of its own kind.
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

    /** The receiver owns all; claim and groups may go once the init is gone. */
    record Born(long birth, InitProcess init, UidRanges.Claim claim, ContainerCgroup cgroup)
            implements Forked {}

    /**
     * Comes after {@link Born}: init is in its groups, or why not. The receiver does not wait for
     * it to configure the container, since the kernel may take some milliseconds.
     */
    record Admitted(long birth, Optional<String> failure) implements Forked {}

    record Stillborn(long birth, String reason) implements Forked {}

    private final UidRanges ranges;
    private final Cgroups cgroups;
    private @Nullable Zygote zygote;
    private @Nullable ContainerCgroup ahead;
    private long created;

    private Spawner(ActorContext<Fork> context, UidRanges ranges, Cgroups cgroups) {
        super(context);
        this.ranges = ranges;
        this.cgroups = cgroups;
    }

    static Behavior<Fork> create(UidRanges ranges, Cgroups cgroups) {
        return Behaviors.setup(context -> new Spawner(context, ranges, cgroups));
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
        if (forked instanceof Born born) {
            fork.replyTo().tell(new Admitted(fork.birth(), admit(born)));
        }
        prepareNext();
        return this;
    }

    private static Optional<String> admit(Born born) {
        try {
            if (born.init().pidfd().hasExited()) { // its number may be another's by now
                return Optional.of("init has ended");
            }
            born.cgroup().admit(born.init().pid(), born.init().ids().hostUid());
            return Optional.empty();
        } catch (IOException | RuntimeException e) {
            try (LogIds ids = LogIds.of(born.init().pid())) {
                LOG.warn("cannot put init {} into its control groups", born.init().pid(), e);
            }
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private void prepareNext() {
        try {
            livingZygote().prepare();
            if (ahead == null) {
                ahead = newGroups();
            }
        } catch (IOException e) {
            LOG.warn("cannot prepare the next container", e); // its fork will try and tell
        }
    }

    private Forked fork(long birth) throws IOException {
        Zygote parent = livingZygote();
        UidRanges.Claim claim = ranges.claim();
        try {
            ContainerCgroup groups = ahead == null ? newGroups() : ahead;
            ahead = groups; // kept for the next one if this fork fails
            InitProcess init = parent.fork(claim.ids(), groups.initGroup());
            ahead = null;
            return new Born(birth, init, claim, groups);
        } catch (IOException | RuntimeException e) {
            claim.release();
            throw e;
        }
    }

    private ContainerCgroup newGroups() throws IOException {
        return cgroups.create("container-" + ++created);
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
        if (signal instanceof PostStop) {
            endZygote();
            removeUnused();
        }
        return this;
    }

    private void endZygote() {
        if (zygote != null) {
            try {
                zygote.close();
            } catch (IOException e) {
                LOG.warn("cannot end the zygote {}", zygote.pid(), e);
            }
        }
    }

    private void removeUnused() {
        if (ahead != null) {
            try {
                ahead.remove();
            } catch (IOException e) {
                LOG.warn("cannot remove control groups", e);
            }
        }
    }
}
