// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.javadsl.Behaviors;
import io.cloister.nativeio.init.InitProcess;
import java.io.IOException;
import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
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

    /**
     * As many threads as there are containers. One whose container has ended serves the next, which
     * saves the making of a thread; it goes when none comes soon.
     */
    private static final Executor THREADS =
            new ThreadPoolExecutor(
                    0,
                    Integer.MAX_VALUE,
                    1,
                    TimeUnit.SECONDS,
                    new SynchronousQueue<>(),
                    Receiver::thread);

    private static final AtomicLong NAMED = new AtomicLong();

    /** It is told nothing: it lives and ends with its container. */
    enum Command {}

    private Receiver() {}

    static Behavior<Command> create(InitProcess init, ActorRef<Container.Command> router) {
        return Behaviors.setup(context -> {
            THREADS.execute(() -> receive(init, router));
            return Behaviors.receive(Command.class)
                    .onSignal(PostStop.class, stop -> onStop(init))
                    .build();
        });
    }

    private static Thread thread(Runnable work) {
        String name = "cloister-receiver-" + NAMED.incrementAndGet();
        Thread thread = new Thread(null, work, name, STACK_BYTES);
        thread.setDaemon(true);
        return thread;
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
