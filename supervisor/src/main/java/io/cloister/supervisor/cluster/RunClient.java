// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.PreRestart;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.supervisor.cluster.RunReply.Completed;
import io.cloister.supervisor.cluster.RunReply.NotCompleted;
import io.cloister.supervisor.cluster.RunReply.Reason;
import io.cloister.supervisor.io.FileException;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.observe.LogIds;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Submits this node's runs to the cluster's queue, and sees to it that each is answered once.
 *
 * <p>It keeps a run until it has the answer with all its files: should the queue be lost, its
 * successor gets the run again. Stored files in runs are those of this node's file store, and so
 * are those in results.
 */
public final class RunClient extends AbstractBehavior<RunClient.Command> {
    private static final Logger LOG = LoggerFactory.getLogger(RunClient.class);

    /** After its deadline a run is waited for this much longer before it is given up here. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private static final Duration ACKNOWLEDGE_AFTER = Duration.ofMillis(20);

    /** A transfer that makes no progress fails sooner. */
    private static final Duration LONGEST_TRANSFER = Duration.ofMinutes(30);

    /** What it can be told. */
    public sealed interface Command {}

    /**
     * Have a run carried out by some worker.
     *
     * @param tenant on whose behalf
     * @param replyTo told once
     */
    public record Submit(Run run, String tenant, Terms terms, ActorRef<RunReply> replyTo)
            implements Command {}

    /** End a run of this node's; it is answered. */
    public record Cancel(RunKey key) implements Command {}

    /** The queue has the run. */
    public record Accepted(RunKey key, ActorRef<RunQueue.Command> queue)
            implements Command, Remote {}

    /**
     * A worker has it, after others were lost with it.
     *
     * @param lost how many
     */
    public record Begun(Ticket ticket, int lost, String worker) implements Command, Remote {}

    /** What became of it; told again until {@link RunQueue.Acknowledge}. */
    public record Answered(RunKey key, Answer answer, ActorRef<RunQueue.Command> queue)
            implements Command, Remote {}

    private record Packed(Pending run, @Nullable Wrapped order, Optional<String> refused)
            implements Command {}

    private record Fetched(
            Pending run,
            Answered answered,
            Answer.Result answer,
            @Nullable RunResult result,
            @Nullable Throwable failure)
            implements Command {}

    private record Tick() implements Command {}

    private record SendAcknowledgements() implements Command {}

    private record Wrapped(Parcel parcel, FileStore.Hold files) {}

    private static final class Pending {
        private final Submit submit;
        private final long deadline;
        private @Nullable Wrapped pack;
        private @Nullable ActorRef<RunQueue.Command> queue;
        private int lost;
        private boolean cancelled;

        /** By some queue: it is not refused any more for lack of room. */
        private boolean accepted;

        /** Its files are on their way. */
        private boolean fetching;

        Pending(Submit submit) {
            this.submit = submit;
            deadline = System.nanoTime() + submit.terms().deadline().toNanos();
        }

        RunKey key() {
            return new RunKey(submit.tenant(), submit.run().id());
        }
    }

    private final ActorRef<RunQueue.Command> proxy;
    private final ActorRef<FileServer.Command> server;
    private final FileStore store;
    private final Parcels parcels;
    private final ActorRef<FileFetch.Command> fetch;
    private final Executor blocking;
    private final TimerScheduler<Command> timers;
    private final Map<RunKey, Pending> pending = new HashMap<>();
    private final Map<ActorRef<RunQueue.Command>, List<RunKey>> acknowledgements = new HashMap<>();

    /** The one that told something last, which takes a hop less; the proxy before that. */
    private ActorRef<RunQueue.Command> queue;

    private RunClient(
            ActorContext<Command> context,
            TimerScheduler<Command> timers,
            ActorRef<RunQueue.Command> proxy,
            ActorRef<FileServer.Command> server,
            FileStore store,
            ActorRef<FileFetch.Command> fetch) {
        super(context);
        this.timers = timers;
        this.proxy = proxy;
        queue = proxy;
        this.server = server;
        this.store = store;
        parcels = new Parcels(context.getSystem().settings().config(), store);
        this.fetch = fetch;
        blocking = context.getSystem().dispatchers().lookup(DispatcherSelector.blocking());
    }

    /**
     * The behaviour of a node's client.
     *
     * @param proxy of the cluster's queue, whichever that is
     * @param server of the store's files
     * @param fetch brings others there
     * @param resend how often what was not acknowledged is told again
     */
    public static Behavior<Command> create(
            ActorRef<RunQueue.Command> proxy,
            ActorRef<FileServer.Command> server,
            FileStore store,
            ActorRef<FileFetch.Command> fetch,
            Duration resend) {
        return Behaviors.setup(context ->
                Behaviors.withTimers(timers -> {
                    timers.startTimerWithFixedDelay(new Tick(), resend);
                    return new RunClient(context, timers, proxy, server, store, fetch);
                }));
    }

    @Override
    public Receive<Command> createReceive() {
        return newReceiveBuilder()
                .onMessage(Command.class, this::onCommand)
                .onSignal(Terminated.class, this::onTerminated)
                .onSignal(PreRestart.class, restart -> onStop())
                .onSignal(PostStop.class, stop -> onStop())
                .build();
    }

    private Behavior<Command> onCommand(Command command) {
        switch (command) {
            case Submit submit -> submit(submit);
            case Cancel(RunKey key) -> cancel(key);
            case Packed packed -> packed(packed);
            case Accepted(RunKey key, ActorRef<RunQueue.Command> by) -> accepted(key, by);
            case Begun begun -> begun(begun);
            case Answered answered -> answered(answered);
            case Fetched fetched -> fetched(fetched);
            case Tick tick -> tick();
            case SendAcknowledgements now -> sendAcknowledgements();
        }
        return this;
    }

    // ---- submitting -------------------------------------------------------------------------

    private void submit(Submit submit) {
        RunKey key;
        try {
            key = new RunKey(submit.tenant(), submit.run().id());
        } catch (InvalidRequest e) {
            refuse(submit, String.valueOf(e.getMessage()));
            return;
        }
        Pending run = new Pending(submit);
        if (pending.putIfAbsent(key, run) != null) {
            refuse(submit, "a run with this id is under way: give each an id of its own");
            return;
        }
        if (acknowledgements.values().stream().anyMatch(keys -> keys.contains(key))) {
            sendAcknowledgements(); // or the queue takes it for the one before
        }
        if (Parcels.inlineBytes(submit.run()) <= Parcels.PACKED_AT_ONCE) {
            packed(pack(run));
        } else {
            CompletionStage<Packed> packing =
                    CompletableFuture.supplyAsync(() -> pack(run), blocking);
            getContext()
                    .pipeToSelf(
                            packing,
                            (done, failure) ->
                                    failure == null
                                            ? done
                                            : new Packed(
                                                    run, null, Optional.of(failure.toString())));
        }
    }

    private static void refuse(Submit submit, String why) {
        submit.replyTo().tell(new NotCompleted(submit.run().id(), Reason.REFUSED, why));
    }

    private Packed pack(Pending run) {
        try {
            Run lean = Parcels.outsource(run.submit.run(), store);
            Parcel parcel = parcels.pack(lean);
            Set<String> ids = Parcels.files(lean, parcel);
            FileStore.Hold hold = store.hold(ids);
            Optional<String> missing = ids.stream().filter(id -> !store.contains(id)).findAny();
            if (missing.isPresent()) {
                hold.close();
                return new Packed(
                        run,
                        null,
                        Optional.of(
                                "file %s is not in this node's store: put it there first"
                                        .formatted(missing.get())));
            }
            return new Packed(run, new Wrapped(parcel, hold), Optional.empty());
        } catch (InvalidRequest | FileException | IOException e) {
            return new Packed(run, null, Optional.of(String.valueOf(e.getMessage())));
        }
    }

    private void packed(Packed packed) {
        Pending run = packed.run();
        RunKey key = run.key();
        Wrapped pack = packed.order();
        if (pending.get(key) != run) { // cancelled meanwhile
            if (pack != null) {
                pack.files().close();
            }
        } else if (pack == null) {
            end(key, Reason.REFUSED, packed.refused().orElse("it cannot be packed"));
        } else {
            run.pack = pack;
            send(run);
        }
    }

    private void send(Pending run) {
        send(run, queue);
    }

    private void send(Pending run, ActorRef<RunQueue.Command> to) {
        Wrapped pack = run.pack;
        if (pack == null) {
            return;
        }
        Submit submit = run.submit;
        Duration left = Duration.ofNanos(Math.max(0, run.deadline - System.nanoTime()));
        Order order =
                new Order(
                        run.key(),
                        submit.terms().withDeadline(left),
                        submit.run().programs().size(),
                        run.lost,
                        pack.parcel(),
                        server);
        to.tell(new RunQueue.Submit(order, getContext().getSelf()));
    }

    private void cancel(RunKey key) {
        Pending run = pending.get(key);
        if (run == null) {
            return;
        }
        run.cancelled = true;
        queue.tell(new RunQueue.Cancel(key));
        if (run.queue == null) { // nobody has begun it, and whoever does so yet is told
            end(key, Reason.CANCELLED, "cancelled before the queue had it");
        }
    }

    // ---- the queue's side -------------------------------------------------------------------

    private void heardFrom(ActorRef<RunQueue.Command> from) {
        if (!from.equals(queue)) {
            queue = from;
            getContext().watch(from);
        }
    }

    private void accepted(RunKey key, ActorRef<RunQueue.Command> by) {
        heardFrom(by);
        Pending run = pending.get(key);
        if (run == null) { // cancelled meanwhile
            by.tell(new RunQueue.Cancel(key));
        } else if (!by.equals(run.queue)) {
            run.queue = by;
            run.accepted = true;
        }
    }

    private void begun(Begun begun) {
        Pending run = pending.get(begun.ticket().key());
        if (run != null) {
            run.lost = begun.lost();
        }
    }

    private void answered(Answered answered) {
        heardFrom(answered.queue());
        RunKey key = answered.key();
        Pending run = pending.get(key);
        if (run == null) {
            acknowledge(answered);
            return;
        }
        switch (answered.answer()) {
            case Answer.Result result -> result(run, answered, result);
            case Answer.Expired expired -> end(answered, Reason.EXPIRED, "its deadline passed");
            case Answer.Cancelled cancelled -> end(answered, Reason.CANCELLED, "cancelled");
            case Answer.Quarantined(int lost) ->
                    end(
                            answered,
                            Reason.QUARANTINED,
                            "%d workers were lost with it: look at it before trying again"
                                    .formatted(lost));
            // the queue has no entry of theirs, perhaps one of somebody else's
            case Answer.Overloaded(String reason) -> {
                if (run.accepted) { // by the queue before: it is submitted until there is room
                    run.queue = null;
                } else {
                    end(key, Reason.OVERLOADED, reason);
                }
            }
            case Answer.Refused(String reason) -> end(key, Reason.REFUSED, reason);
        }
    }

    private void result(Pending run, Answered answered, Answer.Result answer) {
        if (run.fetching) {
            return;
        }
        run.fetching = true;
        try {
            if (answer.result() instanceof Parcel.Inline) {
                RunResult result = parcels.unpack(answer.result(), RunResult.class);
                Set<String> ids = Parcels.files(result, answer.result());
                if (ids.isEmpty()) {
                    complete(answered, answer, result);
                } else {
                    pipe(
                            run,
                            answered,
                            answer,
                            bring(ids, answer.files()).thenApply(held -> letGo(held, result)));
                }
            } else {
                pipe(
                        run,
                        answered,
                        answer,
                        bring(Parcels.files(answer.result()), answer.files())
                                .thenComposeAsync(held -> open(held, answer), blocking));
            }
        } catch (FileException | IOException e) {
            // The worker wrote what this node cannot read: another attempt would do the same.
            end(answered, Reason.REFUSED, String.valueOf(e.getMessage()));
        }
    }

    private CompletionStage<RunResult> open(FileStore.Hold held, Answer.Result answer) {
        try (held) {
            RunResult result = parcels.unpack(answer.result(), RunResult.class);
            return bring(Parcels.files(result), answer.files())
                    .thenApply(more -> letGo(more, result));
        } catch (FileException | IOException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private static RunResult letGo(FileStore.Hold held, RunResult result) {
        held.close();
        return result;
    }

    /** Has files in this node's store, and keeps them there until the hold is closed. */
    private CompletionStage<FileStore.Hold> bring(
            Set<String> ids, ActorRef<FileServer.Command> from) {
        FileStore.Hold held = store.hold(ids);
        CompletionStage<FileFetch.Reply> brought =
                AskPattern.ask(
                        fetch,
                        replyTo -> new FileFetch.Get(ids, from, replyTo),
                        LONGEST_TRANSFER,
                        getContext().getSystem().scheduler());
        return brought.handle((reply, failure) -> {
            if (reply instanceof FileFetch.Fetched) {
                return held;
            }
            held.close();
            throw new CompletionException(
                    reply instanceof FileFetch.NotFetched(Failure why)
                            ? new FileException(why.kind(), why.subject(), why.message())
                            : failure);
        });
    }

    private void pipe(
            Pending run,
            Answered answered,
            Answer.Result answer,
            CompletionStage<RunResult> result) {
        getContext()
                .pipeToSelf(
                        result,
                        (got, failure) -> new Fetched(run, answered, answer, got, cause(failure)));
    }

    private static @Nullable Throwable cause(@Nullable Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null
                ? failure.getCause()
                : failure;
    }

    private void fetched(Fetched fetched) {
        RunKey key = fetched.answered().key();
        Pending run = fetched.run();
        if (pending.get(key) != run) {
            acknowledge(fetched.answered());
        } else if (fetched.result() != null) {
            complete(fetched.answered(), fetched.answer(), fetched.result());
        } else if (fetched.failure() instanceof FileException file
                && file.failure().kind() == Failure.Kind.TOO_LARGE) { // for this node's store
            end(fetched.answered(), Reason.REFUSED, file.failure().describe());
        } else {
            Ticket ticket = new Ticket(key, fetched.answer().attempt());
            try (LogIds ids = ticket.logIds()) {
                LOG.warn("cannot get the result of {}", ticket, fetched.failure());
            }
            run.fetching = false;
            queue.tell(new RunQueue.Missing(ticket, getContext().getSelf()));
            send(run);
        }
    }

    // ---- the end ----------------------------------------------------------------------------

    private void complete(Answered answered, Answer.Result answer, RunResult result) {
        Pending run = remove(answered.key());
        acknowledge(answered);
        run.submit.replyTo().tell(new Completed(result, answer.worker(), answer.attempt()));
    }

    private void end(Answered answered, Reason reason, String explanation) {
        acknowledge(answered);
        end(answered.key(), reason, explanation);
    }

    private void end(RunKey key, Reason reason, String explanation) {
        remove(key).submit.replyTo().tell(new NotCompleted(key.id(), reason, explanation));
    }

    /** Nobody waits for it: several go together. */
    private void acknowledge(Answered answered) {
        List<RunKey> keys =
                acknowledgements.computeIfAbsent(answered.queue(), queue -> new ArrayList<>());
        keys.add(answered.key());
        if (keys.size() == RunQueue.Acknowledge.MAX_KEYS) {
            sendAcknowledgements();
        } else if (!timers.isTimerActive(SendAcknowledgements.class)) {
            timers.startSingleTimer(
                    SendAcknowledgements.class, new SendAcknowledgements(), ACKNOWLEDGE_AFTER);
        }
    }

    private void sendAcknowledgements() {
        acknowledgements.forEach((by, keys) -> by.tell(new RunQueue.Acknowledge(keys)));
        acknowledgements.clear();
    }

    private Pending remove(RunKey key) {
        Pending run = Objects.requireNonNull(pending.remove(key));
        if (run.pack != null) {
            run.pack.files().close();
        }
        return run;
    }

    /** The queue is gone: the next one gets all that it had. */
    private Behavior<Command> onTerminated(Terminated gone) {
        ActorRef<RunQueue.Command> lost = gone.getRef().unsafeUpcast();
        if (lost.equals(queue)) {
            queue = proxy;
        }
        for (Pending run : pending.values()) {
            if (lost.equals(run.queue)) {
                run.queue = null;
                send(run);
            }
        }
        return this;
    }

    private void tick() {
        long now = System.nanoTime();
        for (Map.Entry<RunKey, Pending> entry : List.copyOf(pending.entrySet())) {
            RunKey key = entry.getKey();
            Pending run = entry.getValue();
            if (now - run.deadline > PATIENCE.toNanos() && !run.fetching) {
                proxy.tell(new RunQueue.Cancel(key));
                end(key, Reason.EXPIRED, "its deadline passed, and the queue does not answer");
            } else if (run.queue == null) {
                send(run, proxy); // who told something last may be the queue no longer
            } else if (run.cancelled) {
                proxy.tell(new RunQueue.Cancel(key));
            }
        }
    }

    private Behavior<Command> onStop() {
        sendAcknowledgements();
        for (RunKey key : List.copyOf(pending.keySet())) {
            end(key, Reason.CANCELLED, "this node is shutting down");
        }
        return this;
    }
}
