// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.Terminated;
import akka.actor.typed.delivery.ProducerController;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import akka.actor.typed.receptionist.Receptionist;
import io.cloister.protocol.check.Check;
import io.cloister.supervisor.cluster.WorkerNode.Assignment;
import io.cloister.supervisor.observe.Ending;
import io.cloister.supervisor.observe.Level;
import io.cloister.supervisor.observe.LogIds;
import io.cloister.supervisor.observe.Metrics;
import io.cloister.supervisor.observe.RunIds;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The cluster's queue of runs: takes them from clients, assigns each to a worker with free slots,
 * assigns it again when that worker is lost, and answers once. To be started as a singleton of the
 * cluster.
 *
 * <p>What it knows is in memory only. When its node is lost its successor learns the runs again
 * from those who hold them: clients keep what has not been answered and submit it again, workers
 * tell what they are at and repeat what was not settled.
 */
public final class RunQueue extends AbstractBehavior<RunQueue.Command> {
    private static final Logger LOG = LoggerFactory.getLogger(RunQueue.class);
    private static final Duration TICK = Duration.ofMillis(100);
    private static final long BEGIN = System.nanoTime();

    /** Workers offer slots every second; one that does not may be attached to another queue. */
    private static final int SILENCE = 30;

    /** What it can be told. */
    public sealed interface Command {}

    // ---- by clients --------------------------------------------------------------------------

    /**
     * Have a run carried out; answered {@link RunClient.Answered}, and before that {@link
     * RunClient.Accepted} unless it is over soon. A run that is there already is joined.
     */
    public record Submit(Order order, ActorRef<RunClient.Command> client)
            implements Command, Remote {}

    /** Nobody wants it any more; answered {@link RunClient.Answered} like any other. */
    public record Cancel(RunKey key) implements Command, Remote {}

    /** The answers to these came, with all their files. */
    public record Acknowledge(List<RunKey> keys) implements Command, Remote {
        public static final int MAX_KEYS = 256;

        public Acknowledge {
            keys = Check.list("keys", keys, MAX_KEYS);
        }
    }

    /** The answer's files are lost with their worker: it must be carried out again. */
    public record Missing(Ticket ticket, ActorRef<RunClient.Command> client)
            implements Command, Remote {}

    // ---- by workers --------------------------------------------------------------------------

    /**
     * The answer to {@link WorkerNode.Attach}.
     *
     * @param held what it is at, from another queue perhaps
     */
    public record Attached(
            ActorRef<WorkerNode.Command> worker, Capabilities capabilities, List<Held> held)
            implements Command, Remote {
        public static final int MAX_HELD = Capabilities.MAX_SLOTS;

        public Attached {
            held = List.copyOf(held);
        }
    }

    /** An attempt that a worker is at, with the slots that it takes. */
    public record Held(Ticket ticket, int containers) {}

    /** Offers so many slots from now on: none while it drains, or checks itself. */
    public record Offer(ActorRef<WorkerNode.Command> worker, int slots)
            implements Command, Remote {}

    /**
     * An attempt came to its end; told again until {@link WorkerNode.Settled}.
     *
     * @param holdsFiles they are needed until the client has the answer
     * @param failed for a reason that is the worker's: another may do better
     */
    public record Finished(
            ActorRef<WorkerNode.Command> worker,
            Ticket ticket,
            Answer.Result result,
            boolean holdsFiles,
            boolean failed)
            implements Command, Remote {}

    /** The worker does not carry it out, through no fault of the run's; told again likewise. */
    public record HandBack(ActorRef<WorkerNode.Command> worker, Ticket ticket)
            implements Command, Remote {}

    // ---- by who watches ----------------------------------------------------------------------

    /** Tell what there is, once. */
    public record Look(ActorRef<ClusterView> replyTo) implements Command, Remote {}

    // ---- by itself ---------------------------------------------------------------------------

    private record Listing(Receptionist.Listing workers) implements Command {}

    private record Demand(
            ActorRef<WorkerNode.Command> worker, ProducerController.RequestNext<Assignment> next)
            implements Command {}

    private record Tick() implements Command {}

    private record TellHeldBack() implements Command {}

    /** A run that the queue knows. */
    private static final class Entry {
        private Order order;
        private ActorRef<RunClient.Command> client;
        private final long deadline;
        private final FairQueue.Place<Entry> place;
        private boolean queued;
        private long queuedAt;

        /** The latest one. */
        private int attempt;

        private int lost;
        private int failures;

        /** Whose attempts failed: others come first. */
        private final Set<ActorRef<WorkerNode.Command>> failedOn = new HashSet<>();

        /** While it runs. */
        private @Nullable Worker worker;

        /** Keeps its slots free for this group, which would never find enough of them otherwise. */
        private @Nullable Worker reserved;

        private @Nullable Answer answer;

        /** Whose files the answer needs. */
        private @Nullable ActorRef<WorkerNode.Command> answeredBy;

        private boolean failed;
        private long answeredAt;
        private long toldAt;

        /** In its client's {@link Outbox}. */
        private boolean heldBack;

        Entry(Submit submit, FairQueue<Entry> queue) {
            order = submit.order();
            client = submit.client();
            deadline = System.nanoTime() + order.terms().deadline().toNanos();
            lost = order.lost();
            place =
                    queue.place(
                            this,
                            order.key().tenant(),
                            order.terms().priority(),
                            new FairQueue.Needs(order.containers(), order.terms().tags()));
        }

        RunKey key() {
            return order.key();
        }

        LogIds logIds() {
            return LogIds.of(new RunIds(key().toString(), attempt));
        }

        @Nullable Ticket ticket() {
            return attempt == 0 ? null : new Ticket(key(), attempt);
        }

        long bytes() {
            long run = bytes(order.run());
            return answer instanceof Answer.Result result ? run + bytes(result.result()) : run;
        }

        private static long bytes(Parcel parcel) {
            return parcel instanceof Parcel.Inline inline ? inline.bytes().length() : 0;
        }
    }

    /** A worker that was found. */
    private static final class Worker {
        private final ActorRef<WorkerNode.Command> ref;
        private final ActorRef<ProducerController.Command<Assignment>> producer;
        private final ActorRef<ProducerController.RequestNext<Assignment>> demand;
        private @Nullable Capabilities capabilities;
        private @Nullable ActorRef<Assignment> next;
        private final Map<Ticket, Integer> held = new LinkedHashMap<>();

        /** Told to end them, and told again until they have. */
        private final Set<Ticket> cancelled = new HashSet<>();

        private boolean reachable = true;
        private int offered;
        private int used;
        private int failuresInARow;
        private long finished;
        private long failed;
        private long askedAt = System.nanoTime();
        private long heardAt = System.nanoTime();
        private long cancelledAt = System.nanoTime();

        Worker(
                ActorRef<WorkerNode.Command> ref,
                ActorRef<ProducerController.Command<Assignment>> producer,
                ActorRef<ProducerController.RequestNext<Assignment>> demand) {
            this.ref = ref;
            this.producer = producer;
            this.demand = demand;
        }

        boolean isOpen() {
            return reachable && offered > 0;
        }

        int free() {
            return next == null || !isOpen() ? 0 : offered - used;
        }

        Capabilities capabilities() {
            return Objects.requireNonNull(capabilities);
        }

        String node() {
            return capabilities == null ? ref.path().toString() : capabilities.node();
        }

        ClusterView.Condition condition() {
            if (!reachable) {
                return ClusterView.Condition.UNREACHABLE;
            }
            return offered > 0 ? ClusterView.Condition.READY : ClusterView.Condition.CLOSED;
        }

        void hold(Ticket ticket, int containers) {
            if (held.put(ticket, containers) == null) {
                used += containers;
            }
        }

        void release(Ticket ticket) {
            Integer containers = held.remove(ticket);
            if (containers != null) {
                used -= containers;
            }
            cancelled.remove(ticket);
        }
    }

    private record Orphan(Worker worker, Ticket ticket) {}

    private record Early(Finished finished, long at) {}

    private final TimerScheduler<Command> timers;
    private final QueueSettings settings;
    private final Outbox.Patience patience;
    private final Metrics metrics;
    private final Metrics.Share waitingLevel;
    private final Metrics.Share runningLevel;
    private final Metrics.Share unfetchedLevel;
    private final Latencies latencies = new Latencies();
    private final Map<RunKey, Entry> entries = new HashMap<>();
    private final FairQueue<Entry> waiting = new FairQueue<>();
    private final TreeSet<Entry> deadlines =
            new TreeSet<>(
                    Comparator.<Entry>comparingLong(entry -> entry.deadline - BEGIN)
                            .thenComparingLong(entry -> entry.place.number()));
    private final Set<Entry> untaken = new HashSet<>();

    /** Of the clients that have runs here. */
    private final Map<ActorRef<RunClient.Command>, Outbox<Entry>> outboxes = new HashMap<>();

    private final Map<ActorRef<WorkerNode.Command>, Worker> workers = new LinkedHashMap<>();

    /** That were submitted since the last tick: most are over before their clients need to know. */
    private final List<Entry> fresh = new ArrayList<>();

    /** What workers are at whose clients have not come yet. */
    private final Map<RunKey, Orphan> orphans = new HashMap<>();

    /** Results that came before their clients did, after another queue was lost. */
    private final Map<RunKey, Early> early = new HashMap<>();

    /**
     * The latest ones that are done with. Their workers were told so, but that may have been lost,
     * or have crossed what they tell again: it is no result of another queue's.
     */
    private final Set<RunKey> settled = new LinkedHashSet<>();

    private long bytes;
    private int running;
    private long answered;
    private long lostAttempts;
    private long producers;

    private RunQueue(
            ActorContext<Command> context,
            TimerScheduler<Command> timers,
            QueueSettings settings,
            Outbox.Patience patience) {
        super(context);
        this.timers = timers;
        this.settings = settings;
        this.patience = patience;
        metrics = Metrics.get(context.getSystem());
        waitingLevel = metrics.share(Level.QUEUE_WAITING);
        runningLevel = metrics.share(Level.QUEUE_RUNNING);
        unfetchedLevel = metrics.share(Level.QUEUE_UNFETCHED);
        context.getSystem()
                .receptionist()
                .tell(
                        Receptionist.subscribe(
                                WorkerNode.SERVICE,
                                context.messageAdapter(Receptionist.Listing.class, Listing::new)));
    }

    /**
     * The behaviour of the cluster's singleton: a queue, and another should that fail. Each is an
     * actor of its own, so that clients and workers see by death watch that the old one is gone.
     */
    public static Behavior<Command> singleton(QueueSettings settings) {
        return Behaviors.<Object>setup(context -> singleton(context, settings)).narrow();
    }

    private static Behavior<Object> singleton(
            ActorContext<Object> context, QueueSettings settings) {
        ActorRef<Command> queue =
                context.spawnAnonymous(create(settings), DispatcherSelector.sameAsParent());
        context.watch(queue);
        return Behaviors.receive(Object.class)
                .onMessage(
                        Command.class,
                        command -> {
                            queue.tell(command);
                            return Behaviors.same();
                        })
                .onSignal(Terminated.class, failed -> singleton(context, settings))
                .build();
    }

    /** The behaviour of a queue. */
    static Behavior<Command> create(QueueSettings settings) {
        return create(settings, Outbox.Patience.USUAL);
    }

    static Behavior<Command> create(QueueSettings settings, Outbox.Patience patience) {
        return Behaviors.setup(context ->
                Behaviors.withTimers(timers -> {
                    timers.startTimerWithFixedDelay(new Tick(), TICK);
                    return new RunQueue(context, timers, settings, patience);
                }));
    }

    @Override
    public Receive<Command> createReceive() {
        return newReceiveBuilder()
                .onMessage(Command.class, this::onCommand)
                .onSignal(Terminated.class, this::onTerminated)
                .onSignal(PostStop.class, stop -> onStop())
                .build();
    }

    private Behavior<Command> onStop() {
        outboxes.values().forEach(this::tellHeldBack);
        waitingLevel.set(0);
        runningLevel.set(0);
        unfetchedLevel.set(0);
        return this;
    }

    private void measure() {
        waitingLevel.set(waiting.size());
        runningLevel.set(running);
        unfetchedLevel.set(untaken.size());
    }

    private Behavior<Command> onCommand(Command command) {
        switch (command) {
            case Submit submit -> submit(submit);
            case Cancel(RunKey key) -> cancel(key);
            case Acknowledge(List<RunKey> keys) -> keys.forEach(this::acknowledge);
            case Missing missing -> missing(missing);
            case Attached attached -> attached(attached);
            case Offer(ActorRef<WorkerNode.Command> worker, int slots) -> offer(worker, slots);
            case Finished finished -> finished(finished);
            case HandBack(ActorRef<WorkerNode.Command> worker, Ticket ticket) ->
                    handBack(worker, ticket);
            case Look(ActorRef<ClusterView> replyTo) -> replyTo.tell(view());
            case Listing(Receptionist.Listing listing) -> listed(listing);
            case Demand(
                            ActorRef<WorkerNode.Command> ref,
                            ProducerController.RequestNext<Assignment> next) ->
                    demand(ref, next);
            case Tick tick -> tick();
            case TellHeldBack now -> outboxes.values().forEach(this::tellHeldBack);
        }
        measure();
        return this;
    }

    // ---- clients ----------------------------------------------------------------------------

    private void submit(Submit submit) {
        Order order = submit.order();
        Entry known = entries.get(order.key());
        if (known != null && mayRunAgain(known)) {
            forget(known);
            known = null;
        }
        if (known != null) {
            join(known, submit);
            return;
        }
        Optional<String> full = full(order);
        if (full.isPresent()) {
            metrics.listener().answered(Ending.OVERLOADED);
            submit.client()
                    .tell(
                            new RunClient.Answered(
                                    order.key(),
                                    new Answer.Overloaded(full.get()),
                                    getContext().getSelf()));
            return;
        }
        Entry entry = new Entry(submit, waiting);
        entries.put(order.key(), entry);
        settled.remove(order.key());
        deadlines.add(entry);
        bytes += entry.bytes();
        fresh.add(entry);
        Orphan orphan = orphans.remove(order.key());
        Early result = early.remove(order.key());
        if (orphan != null && (result != null || order.lost() >= settings.maxLost())) {
            cancel(orphan.worker(), orphan.ticket());
        }
        if (result != null) {
            answer(entry, result.finished());
        } else if (order.lost() >= settings.maxLost()) {
            end(entry, new Answer.Quarantined(order.lost()));
        } else if (orphan != null) {
            begin(entry, orphan.worker(), orphan.ticket().attempt());
        } else {
            enqueue(entry);
        }
        dispatch();
    }

    /** What was not carried out, and what only failed, is no answer to who asks again. */
    private static boolean mayRunAgain(Entry entry) {
        return entry.answer != null
                && (entry.failed
                        || entry.answer instanceof Answer.Expired
                        || entry.answer instanceof Answer.Cancelled);
    }

    private void join(Entry entry, Submit submit) {
        Order order = submit.order();
        RunKey key = order.key();
        if (!entry.order.run().equals(order.run())) {
            metrics.listener().answered(Ending.REFUSED);
            submit.client()
                    .tell(
                            new RunClient.Answered(
                                    key,
                                    new Answer.Refused(
                                            "there is another run with the id "
                                                    + key.id()
                                                    + ": give each an id of its own"),
                                    getContext().getSelf()));
            return;
        }
        if (!entry.client.equals(submit.client())) { // it may be gone, and never hear of it
            entry.client.tell(
                    new RunClient.Answered(
                            key,
                            new Answer.Refused(
                                    "another node has submitted it since, and is answered instead"),
                            getContext().getSelf()));
        }
        handOver(entry, submit.client());
        if (entry.answer != null) {
            tell(entry);
            return;
        }
        entry.order = order;
        entry.client.tell(new RunClient.Accepted(key, getContext().getSelf()));
    }

    private void handOver(Entry entry, ActorRef<RunClient.Command> to) {
        int waiting = entry.queued ? 1 : 0;
        int running = entry.worker == null ? 0 : 1;
        count(entry, -waiting, -running);
        entry.client = to;
        count(entry, waiting, running);
    }

    private Optional<String> full(Order order) {
        if (entries.size() >= settings.maxRuns()) {
            return Optional.of(
                    "the queue has %d runs, at most cloister.cluster.queue.max-runs: try again later"
                            .formatted(entries.size()));
        }
        if (bytes + Entry.bytes(order.run()) > settings.maxBytes()) {
            return Optional.of(
                    "the queue has %d bytes, at most cloister.cluster.queue.max-bytes: try again later"
                            .formatted(bytes));
        }
        return Optional.empty();
    }

    private void cancel(RunKey key) {
        Entry entry = entries.get(key);
        if (entry != null && entry.answer == null) {
            end(entry, new Answer.Cancelled());
            dispatch();
        }
    }

    private void acknowledge(RunKey key) {
        Entry entry = entries.get(key);
        if (entry != null && entry.answer != null) {
            forget(entry);
        }
    }

    private void missing(Missing missing) {
        Entry entry = entries.get(missing.ticket().key());
        if (entry == null) {
            return;
        }
        handOver(entry, missing.client());
        if (entry.answer instanceof Answer.Result result
                && result.attempt() == missing.ticket().attempt()) {
            try (LogIds ids = missing.ticket().logIds()) {
                LOG.warn("the files of {} are lost with {}", missing.ticket(), result.worker());
            }
            settle(entry); // or its worker would tell the same again
            setAnswer(entry, null);
            untaken.remove(entry);
            deadlines.add(entry);
            lost(entry);
            dispatch();
        }
    }

    // ---- workers ----------------------------------------------------------------------------

    private void listed(Receptionist.Listing listing) {
        Set<ActorRef<WorkerNode.Command>> reachable =
                listing.getServiceInstances(WorkerNode.SERVICE);
        Set<ActorRef<WorkerNode.Command>> all = listing.getAllServiceInstances(WorkerNode.SERVICE);
        for (ActorRef<WorkerNode.Command> ref : all) {
            Worker worker = workers.computeIfAbsent(ref, this::attach);
            worker.reachable = reachable.contains(ref);
        }
        for (Worker worker : workers.values()) {
            if (!all.contains(worker.ref)) { // it takes leave: nothing new for it
                worker.offered = 0;
            }
        }
        dispatch();
    }

    private Worker attach(ActorRef<WorkerNode.Command> ref) {
        ActorRef<ProducerController.Command<Assignment>> producer =
                getContext()
                        .spawn(
                                ProducerController.create(
                                        Assignment.class,
                                        ref.path().toSerializationFormat(),
                                        Optional.empty()),
                                "worker-" + producers++,
                                DispatcherSelector.sameAsParent());
        ActorRef<ProducerController.RequestNext<Assignment>> demand =
                getContext()
                        .spawnAnonymous(
                                Behaviors.receiveMessage(next -> {
                                    getContext().getSelf().tell(new Demand(ref, next));
                                    return Behaviors.same();
                                }),
                                DispatcherSelector.sameAsParent());
        producer.tell(new ProducerController.Start<>(demand));
        getContext().watch(ref);
        ref.tell(new WorkerNode.Attach(getContext().getSelf(), producer));
        return new Worker(ref, producer, demand);
    }

    private void attached(Attached attached) {
        Worker worker = workers.get(attached.worker());
        if (worker == null) {
            return;
        }
        worker.capabilities = attached.capabilities();
        worker.offered = attached.capabilities().slots();
        worker.heardAt = System.nanoTime();
        for (Held held : attached.held()) {
            Ticket ticket = held.ticket();
            worker.hold(ticket, held.containers());
            Entry entry = entries.get(ticket.key());
            if (entry == null) {
                orphans.put(ticket.key(), new Orphan(worker, ticket));
            } else if (entry.answer == null && entry.worker == null) {
                dequeue(entry);
                begin(entry, worker, ticket.attempt());
            } else if (entry.worker != worker) {
                cancel(worker, ticket);
            }
        }
        LOG.info("{} offers {} slots", attached.capabilities().node(), worker.offered);
        dispatch();
    }

    private void offer(ActorRef<WorkerNode.Command> ref, int slots) {
        Worker worker = workers.get(ref);
        if (worker != null) {
            worker.offered = slots;
            worker.heardAt = System.nanoTime();
            dispatch();
        }
    }

    private void demand(
            ActorRef<WorkerNode.Command> ref, ProducerController.RequestNext<Assignment> next) {
        Worker worker = workers.get(ref);
        if (worker != null) {
            worker.next = next.sendNextTo();
            dispatch();
        }
    }

    private Behavior<Command> onTerminated(Terminated gone) {
        Worker worker = workers.remove(gone.getRef().<WorkerNode.Command>unsafeUpcast());
        if (worker != null) {
            LOG.warn("{} is gone with {} runs", worker.node(), worker.held.size());
            getContext().stop(worker.producer);
            getContext().stop(worker.demand);
            orphans.values().removeIf(orphan -> orphan.worker() == worker);
            for (Ticket ticket : worker.held.keySet()) {
                Entry entry = entries.get(ticket.key());
                if (entry != null && entry.worker == worker) {
                    lost(entry);
                }
            }
            dispatch();
            measure();
        }
        return this;
    }

    private void finished(Finished finished) {
        Ticket ticket = finished.ticket();
        Worker worker = workers.get(finished.worker());
        if (worker != null && worker.held.containsKey(ticket)) {
            worker.release(ticket);
            removeOrphan(ticket);
            judge(worker, finished.failed());
        }
        Entry entry = entries.get(ticket.key());
        if (entry == null) {
            if (!finished.failed()
                    && !settled.contains(ticket.key())
                    && early.size() < settings.maxRuns()) {
                early.putIfAbsent(ticket.key(), new Early(finished, System.nanoTime()));
                finished.worker().tell(new WorkerNode.Noted(ticket));
            } else {
                finished.worker().tell(new WorkerNode.Settled(ticket));
            }
        } else if (entry.answer != null) {
            boolean untakenYet = entry.answeredBy != null && finished.result().equals(entry.answer);
            finished.worker()
                    .tell(
                            untakenYet
                                    ? new WorkerNode.Noted(ticket)
                                    : new WorkerNode.Settled(ticket));
        } else if (entry.deadline - System.nanoTime() <= 0) { // of the worker's own accord, perhaps
            finished.worker().tell(new WorkerNode.Settled(ticket));
            end(entry, new Answer.Expired());
        } else if (finished.failed() && mayTryAgain(entry, finished.worker())) {
            finished.worker().tell(new WorkerNode.Settled(ticket));
            comeBack(entry, worker, ticket);
        } else { // that of another attempt is as good
            answer(entry, finished);
        }
        dispatch();
    }

    private void removeOrphan(Ticket ticket) {
        Orphan orphan = orphans.get(ticket.key());
        if (orphan != null && orphan.ticket().equals(ticket)) {
            orphans.remove(ticket.key());
        }
    }

    private void answer(Entry entry, Finished finished) {
        entry.failed = finished.failed();
        if (finished.holdsFiles()) {
            entry.answeredBy = finished.worker();
        } else { // nobody needs anything of that worker any more
            entry.answeredBy = null;
            finished.worker().tell(new WorkerNode.Settled(finished.ticket()));
        }
        end(entry, finished.result());
    }

    /** Puts a run back that this worker was at, if it still is the one. */
    private void comeBack(Entry entry, @Nullable Worker worker, Ticket ticket) {
        if (worker != null && entry.worker == worker && ticket.equals(entry.ticket())) {
            stop(entry);
            enqueue(entry);
        }
    }

    private boolean mayTryAgain(Entry entry, ActorRef<WorkerNode.Command> worker) {
        entry.failures++;
        entry.failedOn.add(worker);
        return entry.failures < settings.maxFailures();
    }

    private void judge(Worker worker, boolean failed) {
        worker.finished++;
        if (!failed) {
            worker.failuresInARow = 0;
            return;
        }
        worker.failed++;
        worker.failuresInARow++;
        if (worker.failuresInARow >= settings.suspendAfter()) {
            LOG.warn("{} failed {} times in a row", worker.node(), worker.failuresInARow);
            worker.failuresInARow = 0;
            worker.offered = 0; // it offers slots again when its check has passed
            worker.ref.tell(
                    new WorkerNode.Suspend(
                            "%d runs in a row failed".formatted(settings.suspendAfter())));
        }
    }

    private void handBack(ActorRef<WorkerNode.Command> ref, Ticket ticket) {
        Worker worker = workers.get(ref);
        if (worker != null) {
            worker.release(ticket);
        }
        removeOrphan(ticket);
        ref.tell(new WorkerNode.Settled(ticket));
        Entry entry = entries.get(ticket.key());
        if (entry != null && entry.answer == null) {
            if (entry.deadline - System.nanoTime() <= 0) { // which the worker noticed first
                end(entry, new Answer.Expired());
            } else {
                comeBack(entry, worker, ticket);
            }
        }
        dispatch();
    }

    // ---- the way of a run -------------------------------------------------------------------

    private void enqueue(Entry entry) {
        if (!entry.queued) {
            entry.queued = true;
            entry.queuedAt = System.nanoTime();
            waiting.add(entry.place);
            count(entry, 1, 0);
        }
    }

    private void dequeue(Entry entry) {
        if (entry.queued) {
            entry.queued = false;
            waiting.remove(entry.place);
            count(entry, -1, 0);
        }
        entry.reserved = null;
    }

    /** Assigns what waits as long as there are slots for it. */
    private void dispatch() {
        Set<Worker> tried = new HashSet<>();
        while (waiting.size() > 0) {
            Optional<Worker> free =
                    workers.values().stream()
                            .filter(worker -> worker.free() > 0 && !tried.contains(worker))
                            .max(Comparator.comparingInt(Worker::free));
            if (free.isEmpty()) {
                return;
            }
            Worker worker = free.get();
            Optional<Entry> next = next(worker);
            if (next.isPresent()) {
                assign(next.get(), worker);
            } else {
                tried.add(worker);
            }
        }
    }

    /**
     * Whose turn it is at this worker; nobody's when the slots of one have to become free first.
     */
    private Optional<Entry> next(Worker worker) {
        Optional<Entry> next =
                waiting.next(worker.capabilities(), entry -> mayGo(entry, worker))
                        .map(FairQueue.Place::run);
        if (next.isPresent() && next.get().order.containers() > worker.free()) {
            next.get().reserved = worker;
            return Optional.empty();
        }
        return next;
    }

    private boolean mayGo(Entry entry, Worker worker) {
        boolean reservedElsewhere =
                entry.reserved != null
                        && entry.reserved != worker
                        && entry.reserved.isOpen()
                        && workers.containsKey(entry.reserved.ref)
                        && entry.order.containers() > worker.free();
        return !reservedElsewhere
                && (!entry.failedOn.contains(worker.ref)
                        || workers.values().stream()
                                .filter(Worker::isOpen)
                                .allMatch(other -> entry.failedOn.contains(other.ref)));
    }

    private void assign(Entry entry, Worker worker) {
        dequeue(entry);
        begin(entry, worker, entry.attempt + 1);
        ActorRef<Assignment> next = Objects.requireNonNull(worker.next);
        worker.next = null;
        long now = System.nanoTime();
        latencies.add(now, now - entry.queuedAt);
        metrics.listener().assigned(Duration.ofNanos(now - entry.queuedAt));
        Duration left = Duration.ofNanos(Math.max(0, entry.deadline - now));
        next.tell(
                new Assignment(
                        entry.attempt,
                        entry.order.withTerms(entry.order.terms().withDeadline(left))));
    }

    private void begin(Entry entry, Worker worker, int attempt) {
        entry.attempt = attempt;
        entry.worker = worker;
        Ticket ticket = Objects.requireNonNull(entry.ticket());
        worker.hold(ticket, entry.order.containers());
        waiting.began(entry.place);
        running++;
        count(entry, 0, 1);
        if (entry.lost > 0) {
            entry.client.tell(new RunClient.Begun(ticket, entry.lost, worker.node()));
        }
    }

    private void stop(Entry entry) {
        if (entry.worker != null) {
            entry.worker = null;
            waiting.ended(entry.place);
            running--;
            count(entry, 0, -1);
        }
    }

    private void lost(Entry entry) {
        stop(entry);
        lostAttempts++;
        metrics.listener().attemptLost();
        entry.lost++;
        if (entry.lost >= settings.maxLost()) {
            try (LogIds ids = entry.logIds()) {
                LOG.warn("{} is given up: {} workers were lost with it", entry.key(), entry.lost);
            }
            end(entry, new Answer.Quarantined(entry.lost));
        } else {
            enqueue(entry);
        }
    }

    /** Cancels what is at work, and tells the client what became of its run. */
    private void end(Entry entry, Answer answer) {
        Ticket ticket = entry.ticket();
        if (entry.worker != null && ticket != null && entry.worker.held.containsKey(ticket)) {
            cancel(entry.worker, ticket);
        }
        stop(entry);
        dequeue(entry);
        deadlines.remove(entry);
        setAnswer(entry, answer);
        entry.answeredAt = System.nanoTime();
        answered++;
        metrics.listener().answered(ending(answer));
        untaken.add(entry);
        tellOrHoldBack(entry);
    }

    private void tellOrHoldBack(Entry entry) {
        Outbox<Entry> outbox = outboxes.get(entry.client);
        if (outbox == null) {
            tell(entry);
            return;
        }
        entry.toldAt = entry.answeredAt;
        entry.heldBack = true;
        if (outbox.add(entry, entry.answeredAt)) {
            tellHeldBack(outbox);
        } else if (!timers.isTimerActive(TellHeldBack.class)) {
            timers.startSingleTimer(TellHeldBack.class, new TellHeldBack(), patience.limit());
        }
    }

    private void tellHeldBack(Outbox<Entry> outbox) {
        for (Entry entry : outbox.take()) {
            if (entry.heldBack) { // else it was told for another reason, or is forgotten
                tell(entry);
            }
        }
    }

    /** Has so many more runs of a client's wait and run. */
    private void count(Entry entry, int waiting, int running) {
        Outbox<Entry> outbox =
                outboxes.computeIfAbsent(entry.client, client -> new Outbox<>(patience));
        outbox.count(waiting, running);
        if (outbox.isUnused()) {
            tellHeldBack(outbox);
            outboxes.remove(entry.client);
        }
    }

    private static Ending ending(Answer answer) {
        return switch (answer) {
            case Answer.Result result -> Ending.RESULT;
            case Answer.Expired expired -> Ending.EXPIRED;
            case Answer.Cancelled cancelled -> Ending.CANCELLED;
            case Answer.Quarantined quarantined -> Ending.QUARANTINED;
            case Answer.Overloaded overloaded -> Ending.OVERLOADED;
            case Answer.Refused refused -> Ending.REFUSED;
        };
    }

    private void setAnswer(Entry entry, @Nullable Answer answer) {
        bytes -= entry.bytes();
        entry.answer = answer;
        bytes += entry.bytes();
    }

    private void tell(Entry entry) {
        entry.heldBack = false;
        entry.toldAt = System.nanoTime();
        entry.client.tell(
                new RunClient.Answered(
                        entry.key(), Objects.requireNonNull(entry.answer), getContext().getSelf()));
    }

    private static void cancel(Worker worker, @Nullable Ticket ticket) {
        if (ticket != null && worker.cancelled.add(ticket)) {
            worker.ref.tell(new WorkerNode.Cancel(ticket));
        }
    }

    private void forget(Entry entry) {
        entry.heldBack = false;
        entries.remove(entry.key());
        untaken.remove(entry);
        deadlines.remove(entry);
        bytes -= entry.bytes();
        settle(entry);
        settled.add(entry.key());
        if (settled.size() > settings.maxRuns()) {
            Iterator<RunKey> eldest = settled.iterator();
            eldest.next();
            eldest.remove();
        }
    }

    private static void settle(Entry entry) {
        ActorRef<WorkerNode.Command> by = entry.answeredBy;
        if (entry.answer instanceof Answer.Result result && by != null) {
            by.tell(new WorkerNode.Settled(new Ticket(entry.key(), result.attempt())));
        }
    }

    // ---- time -------------------------------------------------------------------------------

    private void tick() {
        long now = System.nanoTime();
        while (!deadlines.isEmpty() && deadlines.first().deadline - now <= 0) {
            end(deadlines.first(), new Answer.Expired());
        }
        early.values().removeIf(result -> now - result.at() > settings.retention().toNanos());
        for (Entry entry : fresh) {
            if (entry.answer == null) {
                entry.client.tell(new RunClient.Accepted(entry.key(), getContext().getSelf()));
            }
        }
        fresh.clear();
        for (Entry entry : List.copyOf(untaken)) {
            if (now - entry.answeredAt > settings.retention().toNanos()) {
                try (LogIds ids = entry.logIds()) {
                    LOG.warn("nobody takes the answer to {}: it is forgotten", entry.key());
                }
                forget(entry);
            } else if (now - entry.toldAt > settings.resend().toNanos()) {
                tell(entry);
            }
        }
        for (Worker worker : workers.values()) {
            boolean silent = now - worker.heardAt > SILENCE * settings.resend().toNanos();
            if ((worker.capabilities == null || silent)
                    && now - worker.askedAt > settings.resend().toNanos()) {
                worker.askedAt = now;
                worker.ref.tell(new WorkerNode.Attach(getContext().getSelf(), worker.producer));
            }
            if (now - worker.cancelledAt > settings.resend().toNanos()) {
                worker.cancelledAt = now;
                worker.cancelled.forEach(ticket -> worker.ref.tell(new WorkerNode.Cancel(ticket)));
            }
        }
        dispatch();
    }

    private ClusterView view() {
        List<ClusterView.WorkerView> all = new ArrayList<>();
        for (Worker worker : workers.values()) {
            if (worker.capabilities != null && all.size() < ClusterView.MAX_WORKERS) {
                all.add(
                        new ClusterView.WorkerView(
                                worker.capabilities,
                                worker.condition(),
                                worker.used,
                                worker.finished,
                                worker.failed));
            }
        }
        List<ClusterView.TenantView> tenants =
                waiting.loads().entrySet().stream()
                        .limit(ClusterView.MAX_TENANTS)
                        .map(load ->
                                new ClusterView.TenantView(
                                        load.getKey(),
                                        load.getValue().waiting(),
                                        load.getValue().running()))
                        .toList();
        return new ClusterView(
                getContext().getSystem().address().toString(),
                waiting.size(),
                running,
                untaken.size(),
                answered,
                lostAttempts,
                latencies.look(System.nanoTime()),
                all,
                tenants);
    }
}
