// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.pool;

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
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.observe.LogIds;
import io.cloister.supervisor.pool.ContainerSource.Admitted;
import io.cloister.supervisor.pool.ContainerSource.Born;
import io.cloister.supervisor.pool.ContainerSource.Made;
import io.cloister.supervisor.pool.ContainerSource.Make;
import io.cloister.supervisor.pool.ContainerSource.Order;
import io.cloister.supervisor.pool.ContainerSource.Prepare;
import io.cloister.supervisor.pool.ContainerSource.Stillborn;
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
final class Spawner extends AbstractOnMessageBehavior<Order> {
    private static final Logger LOG = LoggerFactory.getLogger(Spawner.class);

    /** Claim and groups may go once the init is gone. */
    private record Forked(
            InitProcess process,
            UidRanges.Claim claim,
            ContainerCgroup groups,
            Container.Settings settings)
            implements ContainerSource.Newborn {
        @Override
        public int init() {
            return process.pid();
        }

        @Override
        public Behavior<Container.Command> router() {
            return Container.create(process, settings, this::release);
        }

        @Override
        public Optional<ContainerCgroup> cgroup() {
            return Optional.of(groups);
        }

        @Override
        public String workDirectory(ContainerConfig config) {
            return config.workDirectory();
        }

        /** Nothing is left of the container: on the reaper's thread. */
        private void release() {
            try {
                groups.remove();
            } catch (IOException e) {
                try (LogIds ids = LogIds.of(init())) {
                    LOG.error("cannot remove the control groups of init {}", init(), e);
                }
            }
            claim.release();
        }
    }

    private final UidRanges ranges;
    private final Cgroups cgroups;
    private final Container.Settings settings;
    private @Nullable Zygote zygote;
    private @Nullable ContainerCgroup ahead;
    private long created;

    private Spawner(ActorContext<Order> context, UidRanges ranges, Container.Settings settings) {
        super(context);
        this.ranges = ranges;
        this.cgroups = settings.cgroups();
        this.settings = settings;
    }

    /** The behaviour of a spawner of containers with these settings. */
    static Behavior<Order> create(UidRanges ranges, Container.Settings settings) {
        return Behaviors.setup(context -> new Spawner(context, ranges, settings));
    }

    @Override
    public Behavior<Order> onMessage(Order order) {
        switch (order) {
            case Make make -> make(make);
            case Prepare prepare -> prepareNext();
        }
        return this;
    }

    private void make(Make make) {
        Forked forked = null;
        Made made;
        try {
            forked = fork();
            made = new Born(make.birth(), forked);
        } catch (IOException | RuntimeException e) {
            LOG.warn("cannot create a container", e);
            made = new Stillborn(make.birth(), String.valueOf(e.getMessage()));
        }
        make.replyTo().tell(made);
        if (forked != null) {
            Optional<String> failure = admit(forked);
            if (make.pooled()) {
                prepareNext();
            }
            make.replyTo().tell(new Admitted(make.birth(), failure));
        }
    }

    private static Optional<String> admit(Forked forked) {
        InitProcess init = forked.process();
        try {
            if (init.pidfd().hasExited()) { // its number may be another's by now
                return Optional.of("init has ended");
            }
            forked.groups().admit(init.pid(), init.ids().hostUid());
            return Optional.empty();
        } catch (IOException | RuntimeException e) {
            try (LogIds ids = LogIds.of(init.pid())) {
                LOG.warn("cannot put init {} into its control groups", init.pid(), e);
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

    private Forked fork() throws IOException {
        Zygote parent = livingZygote();
        UidRanges.Claim claim = ranges.claim();
        try {
            ContainerCgroup groups = ahead == null ? newGroups() : ahead;
            ahead = groups; // kept for the next one if this fork fails
            InitProcess init = parent.fork(claim.ids(), groups.initGroup());
            ahead = null;
            return new Forked(init, claim, groups, settings);
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
    public Behavior<Order> onSignal(Signal signal) {
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
