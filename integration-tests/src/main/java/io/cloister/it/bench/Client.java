// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A user of Cloister: sends one request after another and takes the time of each, from just before
 * the request leaves to the moment when the reply is in the user's hands.
 */
final class Client extends AbstractOnMessageBehavior<Client.Command> {
    sealed interface Command {}

    /**
     * The same request, one after another.
     *
     * @param fits whether a reply is as it should be; the first that is not ends the series
     * @param times told the nanoseconds of each
     * @param end the last reply
     */
    record Series<R>(
            Class<R> replyType,
            Consumer<ActorRef<R>> send,
            Predicate<R> fits,
            int count,
            LongConsumer times,
            CompletableFuture<R> end)
            implements Command {}

    /** Tell when an actor is no more. */
    record Watch(ActorRef<?> actor, CompletableFuture<Boolean> gone) implements Command {}

    /** The worker answered otherwise than it should have. */
    static final class UnexpectedReply extends Exception {
        UnexpectedReply(String reply) {
            super("unexpected reply: " + reply);
        }
    }

    private record Replied(Object reply) implements Command {}

    private record Gone(CompletableFuture<Boolean> gone) implements Command {}

    private final ActorContext<Command> context;
    private @Nullable Running<?> running;

    private Client(ActorContext<Command> context) {
        super(context);
        this.context = context;
    }

    static Behavior<Command> create() {
        return Behaviors.setup(Client::new);
    }

    @Override
    public Behavior<Command> onMessage(Command command) {
        switch (command) {
            case Series<?> series -> begin(series);
            case Replied(Object reply) -> {
                if (running != null && running.onReply(reply)) {
                    running = null;
                }
            }
            case Watch(ActorRef<?> actor, CompletableFuture<Boolean> gone) ->
                    context.watchWith(actor, new Gone(gone));
            case Gone(CompletableFuture<Boolean> gone) -> gone.complete(true);
        }
        return this;
    }

    private <R> void begin(Series<R> series) {
        if (running != null) {
            series.end().completeExceptionally(new IllegalStateException("one series at a time"));
            return;
        }
        Running<R> begun =
                new Running<>(series, context.messageAdapter(series.replyType(), Replied::new));
        running = begun;
        begun.send();
    }

    /** A series under way. */
    private static final class Running<R> {
        private final Series<R> series;
        private final ActorRef<R> replyTo;
        private int left;
        private long start;

        Running(Series<R> series, ActorRef<R> replyTo) {
            this.series = series;
            this.replyTo = replyTo;
            this.left = series.count();
        }

        void send() {
            start = System.nanoTime();
            series.send().accept(replyTo);
        }

        /** Whether that was the last. */
        boolean onReply(Object message) {
            long now = System.nanoTime();
            R reply = series.replyType().cast(message);
            if (!series.fits().test(reply)) {
                series.end().completeExceptionally(new UnexpectedReply(reply.toString()));
                return true;
            }
            series.times().accept(now - start);
            left--;
            if (left == 0) {
                series.end().complete(reply);
                return true;
            }
            send();
            return false;
        }
    }
}
