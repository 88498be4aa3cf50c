// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.javadsl.Behaviors;
import io.cloister.nativeio.init.InitProcess;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads init's replies and hands each to the router. It reads on a thread of its own, since a read
 * blocks; the end of the socket is the container's end.
 */
final class Receiver {
    private static final Logger LOG = LoggerFactory.getLogger(Receiver.class);

    /** Enough for the read, the decoding and one message send; the default would be a megabyte. */
    private static final long STACK_BYTES = 256 * 1024;

    /** It is told nothing: it lives and ends with its container. */
    enum Command {}

    private Receiver() {}

    static Behavior<Command> create(InitProcess init, ActorRef<Container.Command> router) {
        return Behaviors.setup(context -> {
            Thread thread =
                    new Thread(
                            null,
                            () -> receive(init, router),
                            "cloister-receiver-" + init.pid(),
                            STACK_BYTES);
            thread.setDaemon(true);
            thread.start();
            return Behaviors.receive(Command.class)
                    .onSignal(PostStop.class, stop -> onStop(init))
                    .build();
        });
    }

    private static void receive(InitProcess init, ActorRef<Container.Command> router) {
        try {
            while (true) {
                router.tell(new Container.Received(init.channel().receive()));
            }
        } catch (IOException | RuntimeException e) {
            router.tell(new Container.Lost("init is gone: " + e.getMessage()));
        }
    }

    /** Closing the channel ends the thread's read. */
    private static Behavior<Command> onStop(InitProcess init) {
        try {
            init.channel().close();
        } catch (IOException e) {
            LOG.warn("cannot close the channel to init {}", init.pid(), e);
        }
        return Behaviors.same();
    }
}
