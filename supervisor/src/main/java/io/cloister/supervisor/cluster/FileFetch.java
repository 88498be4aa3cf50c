// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.stream.javadsl.Sink;
import akka.util.ByteString;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Content;
import io.cloister.supervisor.io.FileException;
import io.cloister.supervisor.io.FileStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Brings files of other nodes into this node's store, each once however many want it at a time.
 * Spawn one on each node.
 *
 * <p>A file is kept only if its bytes are those that its id names, so it does not matter who sent
 * them. Few files are under way at a time, each up to the store's largest.
 */
public final class FileFetch extends AbstractOnMessageBehavior<FileFetch.Command> {
    /** At a time: what is under way comes on top of the store's size. */
    private static final int MAX_TRANSFERS = 4;

    /** What it can be asked. */
    public sealed interface Command {}

    /**
     * Have files in the store; answered once, sooner or later. Hold them before, or they may be
     * gone again when the answer comes.
     *
     * @param ids those that are not there are fetched
     * @param from the server of a node that has them
     */
    public record Get(Set<String> ids, ActorRef<FileServer.Command> from, ActorRef<Reply> replyTo)
            implements Command {
        public Get {
            ids = Set.copyOf(ids);
        }
    }

    private record Replied(Transfer transfer, FileServer.Reply reply) implements Command {}

    private record Ended(Transfer transfer, Optional<Failure> failure) implements Command {}

    /** The answer to {@link Get}. */
    public sealed interface Reply {}

    /** All are there. */
    public record Fetched() implements Reply {}

    /**
     * One could not be had.
     *
     * @param failure which, from which node, and why: {@code NOT_FOUND} if that node does not have
     *     it, {@code TOO_LARGE} or {@code BUSY} if this node's store does not take it, {@code
     *     UNAVAILABLE} if it did not come
     */
    public record NotFetched(Failure failure) implements Reply {}

    /** Somebody who waits. */
    private static final class Request {
        private final ActorRef<FileServer.Command> from;
        private final ActorRef<Reply> replyTo;
        private final Set<String> missing;
        private boolean answered;

        Request(Get get, Set<String> missing) {
            from = get.from();
            replyTo = get.replyTo();
            this.missing = missing;
        }

        void answer(Reply reply) {
            if (!answered) {
                answered = true;
                replyTo.tell(reply);
            }
        }
    }

    /** A file that comes, or is to come. */
    private static final class Transfer {
        private final String id;
        private final List<Request> requests = new ArrayList<>();
        private @Nullable ActorRef<FileServer.Command> from;

        Transfer(String id) {
            this.id = id;
        }
    }

    private final FileStore store;
    private final Duration patience;
    private final Map<String, Transfer> transfers = new HashMap<>();
    private final Queue<Transfer> waiting = new ArrayDeque<>();
    private int running;

    private FileFetch(ActorContext<Command> context, FileStore store, Duration patience) {
        super(context);
        this.store = store;
        this.patience = patience;
    }

    /**
     * The behaviour of what fetches for a node.
     *
     * @param store stays the caller's
     * @param patience with a transfer that makes no progress
     */
    public static Behavior<Command> create(FileStore store, Duration patience) {
        return Behaviors.setup(context -> new FileFetch(context, store, patience));
    }

    @Override
    public Behavior<Command> onMessage(Command command) {
        switch (command) {
            case Get get -> get(get);
            case Replied(Transfer transfer, FileServer.Reply reply) -> receive(transfer, reply);
            case Ended(Transfer transfer, Optional<Failure> failure) -> ended(transfer, failure);
        }
        return this;
    }

    private void get(Get get) {
        Set<String> missing = new HashSet<>(get.ids());
        missing.removeIf(store::contains);
        Request request = new Request(get, missing);
        if (missing.isEmpty()) {
            request.answer(new Fetched());
        }
        missing.forEach(id -> want(id, request));
        beginSome();
    }

    private void want(String id, Request request) {
        Transfer transfer = transfers.get(id);
        if (transfer == null) {
            transfer = new Transfer(id);
            transfers.put(id, transfer);
            waiting.add(transfer);
        }
        transfer.requests.add(request);
    }

    private void beginSome() {
        while (running < MAX_TRANSFERS && !waiting.isEmpty()) {
            Transfer transfer = waiting.remove();
            transfer.requests.removeIf(request -> request.answered);
            if (transfer.requests.isEmpty()) {
                transfers.remove(transfer.id);
            } else {
                begin(transfer, transfer.requests.getFirst().from);
            }
        }
    }

    private void begin(Transfer transfer, ActorRef<FileServer.Command> from) {
        running++;
        transfer.from = from;
        getContext()
                .ask(
                        FileServer.Reply.class,
                        from,
                        patience,
                        to -> new FileServer.Fetch(new Content.Stored(transfer.id), to),
                        (reply, failure) ->
                                reply != null
                                        ? new Replied(transfer, reply)
                                        : new Ended(
                                                transfer,
                                                Optional.of(
                                                        failure(
                                                                transfer,
                                                                Failure.Kind.UNAVAILABLE,
                                                                "no answer within %d ms"
                                                                        .formatted(
                                                                                patience
                                                                                        .toMillis())))));
    }

    private void receive(Transfer transfer, FileServer.Reply reply) {
        switch (reply) {
            case FileServer.Absent absent ->
                    ended(
                            transfer,
                            Optional.of(
                                    failure(
                                            transfer,
                                            Failure.Kind.NOT_FOUND,
                                            "not in its file store: put it there again")));
            case FileServer.Found found -> {
                try {
                    receive(transfer, found);
                } catch (FileException | IOException e) {
                    found.bytes().getSource().runWith(Sink.cancelled(), getContext().getSystem());
                    ended(transfer, Optional.of(failure(transfer, e)));
                }
            }
        }
    }

    private void receive(Transfer transfer, FileServer.Found found)
            throws FileException, IOException {
        FileStore.Expected file = store.expect(new Content.Stored(transfer.id), found.size());
        CompletionStage<Done> received =
                found.bytes()
                        .getSource()
                        .idleTimeout(patience)
                        .runForeach(bytes -> write(bytes, file), getContext().getSystem());
        // Finished where it was written, whatever has become of this actor.
        CompletionStage<Optional<Failure>> kept =
                received.handle((done, failure) -> finish(transfer, file, failure));
        getContext()
                .pipeToSelf(
                        kept,
                        (failure, bug) ->
                                new Ended(
                                        transfer,
                                        failure != null
                                                ? failure
                                                : Optional.of(failure(transfer, bug))));
    }

    private static void write(ByteString bytes, FileStore.Expected into)
            throws FileException, IOException {
        for (ByteBuffer part : bytes.getByteBuffers()) {
            into.write(part);
        }
    }

    private static Optional<Failure> finish(
            Transfer transfer, FileStore.Expected file, @Nullable Throwable failure) {
        try (file) {
            if (failure != null) {
                return Optional.of(failure(transfer, failure));
            }
            file.finish();
            return Optional.empty();
        } catch (FileException | IOException e) {
            return Optional.of(failure(transfer, e));
        }
    }

    private void ended(Transfer transfer, Optional<Failure> failure) {
        running--;
        transfers.remove(transfer.id);
        for (Request request : transfer.requests) {
            if (failure.isEmpty()) {
                request.missing.remove(transfer.id);
                if (request.missing.isEmpty()) {
                    request.answer(new Fetched());
                }
            } else if (request.from.equals(transfer.from)) {
                request.answer(new NotFetched(failure.get()));
            } else if (!request.answered) {
                want(transfer.id, request);
            }
        }
        beginSome();
    }

    private static Failure failure(Transfer transfer, Throwable thrown) {
        Throwable cause =
                thrown instanceof CompletionException && thrown.getCause() != null
                        ? thrown.getCause()
                        : thrown;
        if (cause instanceof FileException refused) {
            return failure(transfer, refused.failure().kind(), refused.failure().message());
        }
        String message = cause.getMessage();
        return failure(
                transfer,
                Failure.Kind.UNAVAILABLE,
                message == null ? cause.getClass().getSimpleName() : message);
    }

    private static Failure failure(Transfer transfer, Failure.Kind kind, String why) {
        ActorRef<FileServer.Command> from = transfer.from;
        String node = from == null ? "another node" : from.path().address().toString();
        return new Failure(
                kind, "fetch", transfer.id, OptionalInt.empty(), "", "from " + node + ": " + why);
    }
}
