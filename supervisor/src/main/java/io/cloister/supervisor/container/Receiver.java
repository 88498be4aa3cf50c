// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.javadsl.Behaviors;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.init.InitProcess;
import io.cloister.supervisor.observe.LogIds;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads init's replies and hands each to the router; the end of the socket is the container's end.
 * The dispatcher's thread calls it when there is something to read, so it has to be spawned there.
 */
final class Receiver {
    private static final Logger LOG = LoggerFactory.getLogger(Receiver.class);

    /** It is told nothing: it lives and ends with its container. */
    enum Command {}

    private final InitProcess init;
    private final ActorRef<Container.Command> router;
    private final WakefulExecutor thread = WakefulExecutor.current();
    private final Fd readiness;

    private Receiver(InitProcess init, ActorRef<Container.Command> router) throws IOException {
        this.init = init;
        this.router = router;
        readiness = init.channel().readiness();
        try {
            thread.watch(readiness, this::receive);
        } catch (IOException e) {
            readiness.close();
            throw e;
        }
    }

    static Behavior<Command> create(InitProcess init, ActorRef<Container.Command> router) {
        return Behaviors.setup(context -> {
            try {
                Receiver receiver = new Receiver(init, router);
                return Behaviors.receive(Command.class)
                        .onSignal(PostStop.class, stop -> receiver.onStop())
                        .build();
            } catch (IOException e) {
                router.tell(new Container.Lost("init cannot be listened to: " + e.getMessage()));
                return Behaviors.empty();
            }
        });
    }

    /** One reply at a time: what an init sends must not keep the thread from all others. */
    private void receive() {
        try {
            init.channel()
                    .receiveNow()
                    .ifPresent(result -> router.tell(new Container.Received(result)));
        } catch (IOException | RuntimeException e) {
            thread.forget(readiness);
            router.tell(new Container.Lost("init is gone: " + e.getMessage()));
        }
    }

    private Behavior<Command> onStop() {
        thread.forget(readiness);
        readiness.close();
        try {
            init.channel().close();
        } catch (IOException e) {
            try (LogIds ids = LogIds.of(init.pid())) {
                LOG.warn("cannot close the channel to init {}", init.pid(), e);
            }
        }
        return Behaviors.same();
    }
}
