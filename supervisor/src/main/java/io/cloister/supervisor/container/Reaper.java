// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import io.cloister.nativeio.init.InitProcess;
import io.cloister.supervisor.observe.LogIds;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it that nothing is left of a container: kills init, and with it everything in its
 * namespaces, waits until the kernel says that it is gone, and only then lets its ids be used
 * again. What cannot be shown to be gone keeps its ids for ever.
 *
 * <p>That nothing is left of a single run is shown by the run's own program: init kills and reaps
 * until the kernel says that it has no child.
 */
final class Reaper extends AbstractBehavior<Reaper.Command> {
    private static final Logger LOG = LoggerFactory.getLogger(Reaper.class);

    /** A namespace of thousands of processes takes a while to die. */
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private static final Duration LIMIT_AT_STOP = Duration.ofSeconds(2);

    sealed interface Command {}

    /** End the container and tell when it is over. */
    record End(ActorRef<Container.Command> replyTo) implements Command {}

    private record Waited(ActorRef<Container.Command> replyTo) implements Command {}

    private final InitProcess init;
    private final Runnable released;
    private boolean done;

    private Reaper(ActorContext<Command> context, InitProcess init, Runnable released) {
        super(context);
        this.init = init;
        this.released = released;
    }

    static Behavior<Command> create(InitProcess init, Runnable released) {
        return Behaviors.setup(context -> new Reaper(context, init, released));
    }

    @Override
    public Receive<Command> createReceive() {
        return newReceiveBuilder()
                .onMessage(End.class, this::onEnd)
                .onMessage(Waited.class, this::onWaited)
                .onSignal(PostStop.class, stop -> onStop())
                .build();
    }

    private Behavior<Command> onEnd(End end) {
        kill();
        Executor blocking =
                getContext().getSystem().dispatchers().lookup(DispatcherSelector.blocking());
        done = true;
        getContext()
                .pipeToSelf(
                        CompletableFuture.runAsync(() -> finish(await(LIMIT)), blocking),
                        (ended, failure) -> new Waited(end.replyTo()));
        return this;
    }

    private Behavior<Command> onWaited(Waited waited) {
        waited.replyTo().tell(new Container.Gone());
        return this;
    }

    /** The actor system stops without asking first: the container must go all the same. */
    private Behavior<Command> onStop() {
        if (!done) {
            kill();
            finish(await(LIMIT_AT_STOP));
        }
        return this;
    }

    private void kill() {
        try {
            init.kill();
        } catch (IOException e) {
            try (LogIds ids = LogIds.of(init.pid())) {
                LOG.error("cannot kill init {}", init.pid(), e);
            }
        }
    }

    private boolean await(Duration limit) {
        try {
            return init.awaitExit(limit);
        } catch (IOException e) {
            try (LogIds ids = LogIds.of(init.pid())) {
                LOG.error("cannot wait for init {}", init.pid(), e);
            }
            return false;
        }
    }

    private void finish(boolean gone) {
        try {
            init.close();
        } catch (IOException e) {
            try (LogIds ids = LogIds.of(init.pid())) {
                LOG.error("cannot close the descriptors of init {}", init.pid(), e);
            }
        }
        if (gone) {
            released.run();
        } else {
            try (LogIds ids = LogIds.of(init.pid())) {
                LOG.error("init {} has not ended: its ids stay in use", init.pid());
            }
        }
    }
}
