// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.unit.Bytes;
import io.cloister.supervisor.io.FileException;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.observe.LogIds;
import io.cloister.supervisor.run.RunService;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One attempt at a run: has its files fetched, the run carried out, and its result packed. It ends
 * with that, and tells its worker once, whatever happens on the way.
 */
final class Attempt extends AbstractOnMessageBehavior<Attempt.Command> {
    private static final Logger LOG = LoggerFactory.getLogger(Attempt.class);

    /** Beyond the deadline, which ends the wait for files before. */
    private static final Duration MARGIN = Duration.ofMinutes(1);

    sealed interface Command {}

    /** Nobody wants it any more. */
    record Cancel() implements Command {}

    private record ParcelFetched(FileFetch.Reply reply) implements Command {}

    private record Unpacked(Run run) implements Command {}

    private record FilesFetched(Run run, FileFetch.Reply reply) implements Command {}

    private record Ran(RunResult result) implements Command {}

    private record Packed(Ended ended) implements Command {}

    private record Failed(Failure failure) implements Command {}

    /**
     * What the worker is told.
     *
     * @param holdsFiles the result has files that somebody has to fetch
     * @param files of the result, held until this is closed
     * @param failed through this worker
     * @param lackedContainer one was lost on the way, or there was none to be had
     * @param cancelled before its end: that is nobody's result
     */
    record Ended(
            Ticket ticket,
            Parcel result,
            boolean holdsFiles,
            FileStore.Hold files,
            boolean failed,
            boolean lackedContainer,
            boolean cancelled) {
        private Ended cutShort() {
            return new Ended(ticket, result, holdsFiles, files, failed, lackedContainer, true);
        }
    }

    /** How far it has come. */
    private enum Stage {
        PREPARING,
        RUNNING,
        PACKING
    }

    private final WorkerNode.Services services;
    private final WorkerNode.Assignment assignment;
    private final String runId;
    private final ActorRef<Ended> worker;
    private final Parcels parcels;
    private final Executor blocking;
    private final List<FileStore.Hold> inputs = new ArrayList<>();
    private Stage stage = Stage.PREPARING;
    private boolean cancelled;

    private Attempt(
            ActorContext<Command> context,
            WorkerNode.Services services,
            Parcels parcels,
            WorkerNode.Assignment assignment,
            String runId,
            ActorRef<Ended> worker) {
        super(context);
        this.services = services;
        this.assignment = assignment;
        this.runId = runId;
        this.worker = worker;
        this.parcels = parcels;
        blocking = context.getSystem().dispatchers().lookup(DispatcherSelector.blocking());
        switch (order().run()) {
            case Parcel.Inline inline -> context.getSelf().tell(unpack());
            case Parcel.Filed(Content.Stored(String id)) -> fetch(Set.of(id), ParcelFetched::new);
        }
    }

    /**
     * The behaviour of an attempt.
     *
     * @param runId that no other run of the service has
     */
    static Behavior<Command> create(
            WorkerNode.Services services,
            Parcels parcels,
            WorkerNode.Assignment assignment,
            String runId,
            ActorRef<Ended> worker) {
        return Behaviors.setup(context ->
                Behaviors.withTimers(timers -> {
                    timers.startSingleTimer(new Cancel(), assignment.order().terms().deadline());
                    return new Attempt(context, services, parcels, assignment, runId, worker);
                }));
    }

    @Override
    public Behavior<Command> onMessage(Command command) {
        return switch (command) {
            case Cancel cancel -> cancel();
            case ParcelFetched(FileFetch.NotFetched(Failure failure)) -> notRun(failure);
            case ParcelFetched(FileFetch.Fetched fetched) -> {
                offThread(this::unpack);
                yield this;
            }
            case Unpacked(Run run) -> unpacked(run);
            case FilesFetched(Run run, FileFetch.NotFetched(Failure failure)) -> notRun(failure);
            case FilesFetched(Run run, FileFetch.Fetched fetched) -> submit(run);
            case Ran(RunResult result) -> pack(result);
            case Packed(Ended ended) -> end(ended);
            case Failed(Failure failure) -> notRun(failure);
        };
    }

    @Override
    public Behavior<Command> onSignal(Signal signal) {
        if (signal instanceof PostStop) {
            if (stage == Stage.RUNNING) { // its worker failed
                services.runs().tell(new RunService.Cancel(runId));
            }
            inputs.forEach(FileStore.Hold::close);
        }
        return this;
    }

    private Order order() {
        return assignment.order();
    }

    // ---- before ------------------------------------------------------------------------------

    private void fetch(
            Set<String> files, akka.japi.function.Function<FileFetch.Reply, Command> fetched) {
        inputs.add(services.store().hold(files));
        getContext()
                .ask(
                        FileFetch.Reply.class,
                        services.fetch(),
                        order().terms().deadline().plus(MARGIN),
                        to -> new FileFetch.Get(files, order().files(), to),
                        (reply, late) ->
                                reply != null
                                        ? fetched.apply(reply)
                                        : new Failed(
                                                Failure.of(
                                                        Failure.Kind.UNAVAILABLE,
                                                        "files could not be fetched in time")));
    }

    private Command unpack() {
        try {
            return new Unpacked(parcels.unpack(order().run(), Run.class));
        } catch (ProtocolException e) {
            return new Failed(
                    Failure.of(Failure.Kind.INVALID_REQUEST, String.valueOf(e.getMessage())));
        } catch (FileException e) {
            return new Failed(e.failure());
        } catch (IOException e) {
            return new Failed(Failure.of(Failure.Kind.SYSCALL, "unpack: " + e.getMessage()));
        }
    }

    private Behavior<Command> unpacked(Run run) {
        if (run.programs().size() != order().containers()) {
            return notRun(
                    Failure.of(
                            Failure.Kind.INVALID_REQUEST,
                            "%d programs in an order of %d containers"
                                    .formatted(run.programs().size(), order().containers())));
        }
        boolean given =
                run.programs().stream()
                        .flatMap(program -> program.streams().values().stream())
                        .anyMatch(Stream.Given.class::isInstance);
        if (given) {
            return notRun(
                    Failure.of(
                            Failure.Kind.INVALID_REQUEST,
                            "a stream is given: descriptors do not leave their process"));
        }
        Set<String> files = Parcels.files(run, order().run());
        if (files.isEmpty()) {
            return submit(run);
        }
        fetch(files, reply -> new FilesFetched(run, reply));
        return this;
    }

    private Behavior<Command> submit(Run run) {
        stage = Stage.RUNNING;
        services.runs()
                .tell(
                        new RunService.Submit(
                                new Run(runId, run.programs(), run.pipes(), run.idle()),
                                Map.of(),
                                assignment.ticket().ids(),
                                getContext().messageAdapter(RunResult.class, Ran::new)));
        return this;
    }

    private Behavior<Command> cancel() {
        cancelled |= stage != Stage.PACKING;
        return switch (stage) {
            case PREPARING ->
                    notRun(
                            Status.CANCELLED,
                            Failure.of(Failure.Kind.REFUSED, "cancelled before its start"));
            case RUNNING -> {
                services.runs().tell(new RunService.Cancel(runId)); // which answers
                yield this;
            }
            case PACKING -> this;
        };
    }

    // ---- after -------------------------------------------------------------------------------

    private Behavior<Command> notRun(Failure failure) {
        boolean file =
                failure.kind() == Failure.Kind.NOT_FOUND
                        || failure.kind() == Failure.Kind.TOO_LARGE;
        return notRun(file ? Status.FILE_ERROR : Status.INTERNAL_ERROR, failure);
    }

    private Behavior<Command> notRun(Status status, Failure failure) {
        return pack(result(assignment.ticket(), order().containers(), status, failure));
    }

    /** The result of a run that was not carried out: all of its programs alike. */
    private static RunResult result(Ticket ticket, int containers, Status status, Failure failure) {
        ProgramOutcome outcome = ProgramOutcome.notRun(status, failure);
        return new RunResult(ticket.key().id(), Collections.nCopies(containers, outcome), Map.of());
    }

    /** The end of an attempt that did not tell it. */
    static Ended broken(Ticket ticket, int containers, Parcels parcels) {
        return packed(ticket, containers, parcels, Failure.Kind.INTERNAL, "the attempt failed");
    }

    private Behavior<Command> pack(RunResult result) {
        stage = Stage.PACKING;
        RunResult named = new RunResult(order().key().id(), result.results(), result.transcripts());
        // it may have come to its own end just before
        cancelled &= named.results().stream().anyMatch(each -> each.status() == Status.CANCELLED);
        if (bytes(named) <= Parcels.PACKED_AT_ONCE) {
            return end(packed(named));
        }
        offThread(() -> new Packed(packed(named)));
        return this;
    }

    private static long bytes(RunResult result) {
        long bytes = result.transcripts().values().stream().mapToLong(Bytes::length).sum();
        for (ProgramOutcome outcome : result.results()) {
            for (Output output : outcome.outputs().values()) {
                bytes += output.content().length();
            }
            for (Content content : outcome.files().values()) {
                bytes += content instanceof Content.Inline(Bytes inline) ? inline.length() : 0;
            }
        }
        return bytes;
    }

    /** Something that can be sent, in any case. */
    private Ended packed(RunResult result) {
        Ticket ticket = assignment.ticket();
        int containers = order().containers();
        try {
            return tryPack(ticket, result, parcels);
        } catch (ProtocolException e) {
            return packed(
                    ticket,
                    containers,
                    parcels,
                    Failure.Kind.TOO_LARGE,
                    "the result cannot be sent, have less collected or files stored: "
                            + e.getMessage());
        } catch (FileException e) {
            return packed(
                    ticket,
                    containers,
                    parcels,
                    e.failure().kind(),
                    "the result cannot be sent: " + e.getMessage());
        } catch (IOException e) {
            return packed(
                    ticket,
                    containers,
                    parcels,
                    Failure.Kind.SYSCALL,
                    "the result cannot be sent: " + e.getMessage());
        }
    }

    private static Ended packed(
            Ticket ticket, int containers, Parcels parcels, Failure.Kind kind, String message) {
        Failure failure = Failure.of(kind, message);
        try {
            return tryPack(
                    ticket, result(ticket, containers, Status.INTERNAL_ERROR, failure), parcels);
        } catch (FileException | IOException e) {
            throw new IllegalStateException("a failure does not fit into a message", e);
        }
    }

    private static Ended tryPack(Ticket ticket, RunResult result, Parcels parcels)
            throws FileException, IOException {
        Parcel parcel = parcels.pack(result);
        Set<String> files = Parcels.files(result, parcel);
        FileStore.Hold hold = parcels.store().hold(files);
        if (!files.stream().allMatch(parcels.store()::contains)) { // others took the room before
            hold.close();
            throw new FileException(
                    Failure.Kind.BUSY,
                    "",
                    "no room in the file store: raise cloister.store.max-size or max-files");
        }
        return new Ended(
                ticket,
                parcel,
                !files.isEmpty(),
                hold,
                Blame.isWorkers(result),
                Blame.isContainers(result),
                false);
    }

    private Behavior<Command> end(Ended ended) {
        worker.tell(cancelled ? ended.cutShort() : ended);
        return Behaviors.stopped();
    }

    private void offThread(Supplier<Command> work) {
        getContext()
                .pipeToSelf(
                        CompletableFuture.supplyAsync(work, blocking),
                        (done, bug) -> done != null ? done : bug(bug));
    }

    private Command bug(Throwable bug) {
        try (LogIds ids = assignment.ticket().logIds()) {
            LOG.error("attempt {} failed", assignment.ticket(), bug);
        }
        return new Failed(
                Failure.of(Failure.Kind.INTERNAL, "the attempt failed: " + Objects.toString(bug)));
    }
}
