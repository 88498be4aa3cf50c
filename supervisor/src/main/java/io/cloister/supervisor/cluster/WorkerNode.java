// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.Done;
import akka.actor.CoordinatedShutdown;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.Terminated;
import akka.actor.typed.delivery.ConsumerController;
import akka.actor.typed.delivery.ProducerController;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.TimerScheduler;
import akka.actor.typed.receptionist.Receptionist;
import akka.actor.typed.receptionist.ServiceKey;
import com.sun.management.OperatingSystemMXBean;
import io.cloister.nativeio.libc.Architecture;
import io.cloister.supervisor.CloisterSettings;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.observe.Level;
import io.cloister.supervisor.observe.LogIds;
import io.cloister.supervisor.observe.Metrics;
import io.cloister.supervisor.run.RunService;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker of the cluster: carries out what the queue assigns, in the slots that it has. Spawn one
 * on each node that is to be a worker.
 *
 * <p>It cannot be found before its {@linkplain SandboxCheck sandbox check} has passed. What it has
 * finished it tells the queue, whichever that is by then, until it is known; so nothing is lost
 * when the queue moves to another node.
 *
 * <pre>
 *   CHECKING ──passed──▶ READY ──Suspend──▶ SUSPENDED ──nothing runs any more──▶ CHECKING
 *      any of them ──Drain──▶ DRAINING
 * </pre>
 *
 * <p>Slots are offered while it is READY, and fewer the more results wait for their clients.
 */
public final class WorkerNode extends AbstractOnMessageBehavior<WorkerNode.Command> {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerNode.class);

    /** Results that may wait to be taken, for each slot: no more slots are offered then. */
    private static final int MAX_RESULTS_PER_SLOT = 4;

    /** How much more seldom a result is told again that the queue knows. */
    private static final int NOTED = 30;

    /** For what is handed back to become known, before the node goes. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(1);

    /** What it can be told. */
    public sealed interface Command {}

    /** Under this, workers that are ready are found. */
    public static final ServiceKey<Command> SERVICE =
            ServiceKey.create(Command.class, "cloister-worker");

    /**
     * Take assignments from this queue, from now on; answered {@link RunQueue.Attached}.
     *
     * @param assignments sends them
     */
    public record Attach(
            ActorRef<RunQueue.Command> queue,
            ActorRef<ProducerController.Command<Assignment>> assignments)
            implements Command, Remote {}

    /** Carry a run out; comes by reliable delivery. */
    public record Assignment(int attempt, Order order) implements Remote {
        public Ticket ticket() {
            return new Ticket(order.key(), attempt);
        }
    }

    /** End an attempt, or do not begin it; answered like any other. */
    public record Cancel(Ticket ticket) implements Command, Remote {}

    /** What was finished is known, its files are needed still: do not tell it again. */
    public record Noted(Ticket ticket) implements Command, Remote {}

    /** What was finished or handed back is done with: its files are needed no more. */
    public record Settled(Ticket ticket) implements Command, Remote {}

    /** Too many results failed: check the sandbox before offering slots again. */
    public record Suspend(String reason) implements Command, Remote {}

    /**
     * Take nothing new, finish what there is, hand back what takes too long; answered once. The
     * coordinated shutdown does it, too.
     */
    public record Drain(ActorRef<Drained> replyTo) implements Command {}

    /** All results were taken, or the time was up. */
    public record Drained() {}

    private record Delivered(ConsumerController.Delivery<Assignment> delivery) implements Command {}

    private record AttemptEnded(Attempt.Ended ended) implements Command {}

    private record Checked(SandboxCheck.Report report) implements Command {}

    private record CheckAgain() implements Command {}

    private record TellAgain() implements Command {}

    private record DrainTimeIsUp() implements Command {}

    private record LastWordsSaid() implements Command {}

    /**
     * What else there is on its node.
     *
     * @param settings of the containers
     * @param store of the run service
     * @param files serves that store
     * @param fetch fills it
     */
    public record Services(
            CloisterSettings settings,
            FileStore store,
            ActorRef<RunService.Command> runs,
            ActorRef<FileServer.Command> files,
            ActorRef<FileFetch.Command> fetch) {}

    private enum Condition {
        CHECKING,
        READY,
        SUSPENDED,
        DRAINING
    }

    /** The queue, and what its assignments come by. */
    private record Link(
            ActorRef<RunQueue.Command> queue,
            ActorRef<ProducerController.Command<Assignment>> assignments,
            ActorRef<ConsumerController.Command<Assignment>> consumer) {}

    /** An attempt that has not come to its end. */
    private record Work(Ticket ticket, int containers, ActorRef<Attempt.Command> attempt) {}

    /** What the queue has to know. */
    private static final class News {
        private final RunQueue.Command message;
        private final FileStore.Hold files;
        private final long since = System.nanoTime();
        private long toldAt;
        private boolean noted;

        News(RunQueue.Command message, FileStore.Hold files) {
            this.message = message;
            this.files = files;
        }
    }

    private final TimerScheduler<Command> timers;
    private final ClusterSettings settings;
    private final int allSlots;
    private final int serial;
    private final Services services;
    private final Parcels parcels;
    private final String address;
    private final ActorRef<Attempt.Ended> attemptEnded;
    private final ActorRef<ConsumerController.Delivery<Assignment>> deliveries;
    private final ActorRef<SandboxCheck.Report> reports;
    private final Metrics.Share offeredLevel;
    private final Metrics.Share usedLevel;
    private final Map<Ticket, Work> working = new LinkedHashMap<>();
    private final Map<Ticket, News> news = new LinkedHashMap<>();

    /** Told to be cancelled before they came: assignments come another way. */
    private final Set<Ticket> unwanted = new LinkedHashSet<>();

    private final List<ActorRef<Drained>> drainers = new ArrayList<>();
    private Condition condition = Condition.CHECKING;
    private String cgroups = SandboxCheck.NO_CGROUPS;
    private @Nullable Link link;
    private int offered;
    private boolean registered;
    private long runs;

    private WorkerNode(
            ActorContext<Command> context,
            TimerScheduler<Command> timers,
            ClusterSettings settings,
            Services services) {
        super(context);
        this.timers = timers;
        this.settings = settings;
        this.services = services;
        parcels = new Parcels(context.getSystem().settings().config(), services.store());
        Metrics metrics = Metrics.get(context.getSystem());
        offeredLevel = metrics.share(Level.SLOTS_OFFERED);
        usedLevel = metrics.share(Level.SLOTS_USED);
        int containers = Math.min(services.settings().maxContainers(), Capabilities.MAX_SLOTS);
        allSlots = settings.slots() == 0 ? containers : settings.slots();
        address = context.getSystem().address().toString();
        serial = context.getSelf().path().uid() & Integer.MAX_VALUE;
        attemptEnded = context.messageAdapter(Attempt.Ended.class, AttemptEnded::new);
        deliveries =
                context.messageAdapter(
                        ConsumerController.deliveryClass(), delivery -> new Delivered(delivery));
        reports = context.messageAdapter(SandboxCheck.Report.class, Checked::new);
        timers.startTimerWithFixedDelay(new TellAgain(), settings.workerResend());
        context.watch(services.runs());
        drainOnShutdown();
        check();
    }

    private enum Keeping {
        BEGIN
    }

    /**
     * The behaviour of what keeps a worker going. One that failed is followed by another after
     * cloister.cluster.worker.check-backoff, never restarted in place: its runs are lost with it,
     * which the queue learns from its end.
     */
    public static Behavior<?> keep(ClusterSettings settings, Services services) {
        return Behaviors.<Keeping>setup(context ->
                Behaviors.withTimers(timers -> {
                    context.getSelf().tell(Keeping.BEGIN);
                    return Behaviors.receive(Keeping.class)
                            .onMessageEquals(
                                    Keeping.BEGIN,
                                    () -> {
                                        context.watch(
                                                context.spawnAnonymous(
                                                        create(settings, services),
                                                        DispatcherSelector.sameAsParent()));
                                        return Behaviors.same();
                                    })
                            .onSignal(
                                    Terminated.class,
                                    gone -> {
                                        LOG.error("the worker has failed: another follows");
                                        timers.startSingleTimer(
                                                Keeping.BEGIN, settings.checkBackoff());
                                        return Behaviors.same();
                                    })
                            .build();
                }));
    }

    /** The behaviour of a worker. It ends when the run service does. */
    public static Behavior<Command> create(ClusterSettings settings, Services services) {
        return Behaviors.setup(context ->
                Behaviors.withTimers(
                        timers -> new WorkerNode(context, timers, settings, services)));
    }

    @Override
    public Behavior<Command> onMessage(Command command) {
        switch (command) {
            case Attach attach -> attach(attach);
            case Delivered(ConsumerController.Delivery<Assignment> delivery) -> deliver(delivery);
            case Cancel(Ticket ticket) -> cancel(ticket);
            case AttemptEnded(Attempt.Ended ended) -> ended(ended);
            case Noted(Ticket ticket) -> noted(ticket);
            case Settled(Ticket ticket) -> settled(ticket);
            case Suspend(String reason) -> suspend("the queue says: " + reason);
            case Checked(SandboxCheck.Report report) -> checked(report);
            case CheckAgain again -> check();
            case TellAgain again -> tellAgain();
            case Drain(ActorRef<Drained> replyTo) -> drain(replyTo);
            case DrainTimeIsUp late -> handAllBack();
            case LastWordsSaid late -> drained();
        }
        measure();
        return this;
    }

    @Override
    public Behavior<Command> onSignal(Signal signal) {
        if (signal instanceof Terminated terminated) {
            ActorRef<?> gone = terminated.getRef();
            if (gone.equals(services.runs())) {
                LOG.error("the run service has ended, and so does this worker");
                return Behaviors.stopped();
            }
            gone(gone);
        } else if (signal instanceof PostStop) {
            news.values().forEach(each -> each.files.close());
            offeredLevel.set(0);
            usedLevel.set(0);
            return this;
        }
        measure();
        return this;
    }

    private void measure() {
        offeredLevel.set(offered);
        usedLevel.set(working.values().stream().mapToInt(Work::containers).sum());
    }

    private void gone(ActorRef<?> ref) {
        if (link != null && link.queue().equals(ref)) {
            LOG.warn("the queue at {} is gone: waiting for another", ref.path().address());
            unlink();
            return;
        }
        for (Work work : List.copyOf(working.values())) {
            if (work.attempt().equals(ref)) { // or it would have told its end before
                try (LogIds ids = work.ticket().logIds()) {
                    LOG.error("attempt {} failed, see above", work.ticket());
                }
                ended(Attempt.broken(work.ticket(), work.containers(), parcels));
            }
        }
    }

    // ---- the queue ---------------------------------------------------------------------------

    private void attach(Attach attach) {
        if (link == null
                || !link.queue().equals(attach.queue())
                || !link.assignments().equals(attach.assignments())) {
            unlink();
            link(attach);
        }
        Link now = Objects.requireNonNull(link);
        List<RunQueue.Held> held =
                working.values().stream()
                        .map(work -> new RunQueue.Held(work.ticket(), work.containers()))
                        .toList();
        now.queue().tell(new RunQueue.Attached(getContext().getSelf(), capabilities(), held));
        tellOffer();
        for (News each : news.values()) {
            each.noted = false;
            tell(each);
        }
    }

    private void link(Attach attach) {
        ActorRef<ConsumerController.Command<Assignment>> consumer =
                getContext()
                        .spawnAnonymous(
                                ConsumerController.<Assignment>create(),
                                DispatcherSelector.sameAsParent());
        consumer.tell(new ConsumerController.Start<>(deliveries));
        consumer.tell(new ConsumerController.RegisterToProducerController<>(attach.assignments()));
        getContext().watch(attach.queue());
        link = new Link(attach.queue(), attach.assignments(), consumer);
    }

    private void unlink() {
        if (link != null) {
            getContext().unwatch(link.queue());
            getContext().stop(link.consumer());
            link = null;
        }
    }

    private Capabilities capabilities() {
        int cores = services.settings().exclusiveCores().size();
        String version = WorkerNode.class.getPackage().getImplementationVersion();
        return new Capabilities(
                address,
                allSlots,
                cores > 0 ? cores : Runtime.getRuntime().availableProcessors(),
                memoryBytes(),
                Architecture.current().machine(),
                cgroups,
                settings.tags(),
                version == null ? "" : version);
    }

    private static long memoryBytes() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class)
                .getTotalMemorySize();
    }

    /** Tells the queue how many slots there are, if that has changed. */
    private void offer() {
        if (offered != slots()) {
            tellOffer();
        }
    }

    private void tellOffer() {
        offered = slots();
        if (link != null) {
            link.queue().tell(new RunQueue.Offer(getContext().getSelf(), offered));
        }
    }

    private int slots() {
        int room = MAX_RESULTS_PER_SLOT * allSlots - news.size();
        return condition == Condition.READY ? Math.clamp(room, 0, allSlots) : 0;
    }

    // ---- runs --------------------------------------------------------------------------------

    private void deliver(ConsumerController.Delivery<Assignment> delivery) {
        if (link == null || !delivery.confirmTo().equals(link.consumer())) {
            return; // of a queue that has a successor, which assigns it anew
        }
        delivery.confirmTo().tell(ConsumerController.confirmed());
        Assignment assignment = delivery.message();
        Ticket ticket = assignment.ticket();
        News known = news.get(ticket);
        if (known != null) {
            tell(known);
        } else if (condition != Condition.READY || unwanted.remove(ticket)) {
            handBack(ticket);
        } else if (!working.containsKey(ticket)) {
            int used = working.values().stream().mapToInt(Work::containers).sum();
            if (used + assignment.order().containers() <= allSlots) {
                begin(assignment);
            } else {
                handBack(ticket);
            }
        }
    }

    private void begin(Assignment assignment) {
        ActorRef<Attempt.Command> attempt =
                getContext()
                        .spawnAnonymous(
                                Attempt.create(
                                        services,
                                        parcels,
                                        assignment,
                                        "cloister-worker-%d-%d".formatted(serial, ++runs),
                                        attemptEnded),
                                DispatcherSelector.sameAsParent());
        getContext().watch(attempt);
        Ticket ticket = assignment.ticket();
        working.put(ticket, new Work(ticket, assignment.order().containers(), attempt));
    }

    private void cancel(Ticket ticket) {
        Work work = working.get(ticket);
        News known = news.get(ticket);
        if (work != null) {
            work.attempt().tell(new Attempt.Cancel());
        } else if (known != null) {
            tell(known);
        } else {
            unwanted.add(ticket);
            if (unwanted.size() > MAX_RESULTS_PER_SLOT * allSlots) {
                Iterator<Ticket> eldest = unwanted.iterator();
                eldest.next();
                eldest.remove();
            }
            if (link != null) { // which need not wait for it
                link.queue().tell(new RunQueue.HandBack(getContext().getSelf(), ticket));
            }
        }
    }

    private void ended(Attempt.Ended ended) {
        Ticket ticket = ended.ticket();
        if (working.remove(ticket) == null) { // handed back meanwhile
            ended.files().close();
            return;
        }
        if (ended.cancelled()) {
            ended.files().close();
            handBack(ticket);
            advance();
            return;
        }
        if (ended.lackedContainer() && services.settings().socket().isPresent()) {
            suspend("the service that its containers come from may be gone"); // before the news
        }
        put(
                ticket,
                new News(
                        new RunQueue.Finished(
                                getContext().getSelf(),
                                ticket,
                                new Answer.Result(
                                        ticket.attempt(),
                                        address,
                                        ended.result(),
                                        services.files()),
                                ended.holdsFiles(),
                                ended.failed()),
                        ended.files()));
        advance();
    }

    private void handBack(Ticket ticket) {
        put(ticket, new News(new RunQueue.HandBack(getContext().getSelf(), ticket), () -> {}));
    }

    private void put(Ticket ticket, News each) {
        news.put(ticket, each);
        tell(each);
        offer();
    }

    private void tell(News each) {
        if (link != null) {
            each.toldAt = System.nanoTime();
            link.queue().tell(each.message);
        }
    }

    private void noted(Ticket ticket) {
        News known = news.get(ticket);
        if (known != null) {
            known.noted = true;
        }
    }

    private void settled(Ticket ticket) {
        News known = news.remove(ticket);
        if (known != null) {
            known.files.close();
            offer();
            advance();
        }
    }

    private void tellAgain() {
        long now = System.nanoTime();
        boolean full = condition == Condition.READY && slots() == 0;
        Iterator<Map.Entry<Ticket, News>> all = news.entrySet().iterator();
        while (all.hasNext()) {
            Map.Entry<Ticket, News> next = all.next();
            News each = next.getValue();
            long silence = settings.workerResend().toNanos() * (each.noted ? NOTED : 1);
            long age = now - each.since;
            // A client that lives takes its results soon: one that does not must not stop the
            // others.
            boolean inTheWay =
                    full && each.noted && age >= NOTED * settings.workerResend().toNanos();
            if (inTheWay || age >= settings.workerRetention().toNanos()) {
                try (LogIds ids = next.getKey().logIds()) {
                    LOG.warn("nobody takes what came of {}: it is forgotten", next.getKey());
                }
                each.files.close();
                all.remove();
            } else if (now - each.toldAt >= silence) {
                tell(each);
            }
        }
        tellOffer(); // which may have been lost
        advance();
    }

    // ---- condition ---------------------------------------------------------------------------

    /** What may follow from the end of an attempt, or from the last news being known. */
    private void advance() {
        if (condition == Condition.SUSPENDED && working.isEmpty()) {
            check();
        } else if (condition == Condition.DRAINING && working.isEmpty() && news.isEmpty()) {
            drained();
        }
    }

    private void check() {
        if (condition == Condition.DRAINING) {
            return;
        }
        condition = Condition.CHECKING;
        getContext()
                .spawnAnonymous(
                        SandboxCheck.create(
                                services.settings().standard(), services.runs(), reports));
    }

    private void checked(SandboxCheck.Report report) {
        if (condition != Condition.CHECKING) {
            return;
        }
        if (!report.holds()) {
            LOG.error(
                    "the sandbox does not hold, so no slots are offered; checking again in {} ms: {}",
                    settings.checkBackoff().toMillis(),
                    String.join("; ", report.complaints()));
            timers.startSingleTimer(new CheckAgain(), settings.checkBackoff());
            return;
        }
        report.skipped().forEach(what -> LOG.warn("the sandbox check leaves out: {}", what));
        LOG.info("the sandbox holds: {} slots are offered", allSlots);
        cgroups = report.cgroups();
        condition = Condition.READY;
        offer();
        if (!registered) {
            registered = true;
            getContext()
                    .getSystem()
                    .receptionist()
                    .tell(Receptionist.register(SERVICE, getContext().getSelf()));
        }
    }

    private void suspend(String reason) {
        if (condition == Condition.READY) {
            LOG.warn("no slots are offered until the sandbox was checked: {}", reason);
            condition = Condition.SUSPENDED;
            offer();
            advance();
        }
    }

    // ---- the end -----------------------------------------------------------------------------

    private void drainOnShutdown() {
        ActorContext<Command> context = getContext();
        ActorRef<Command> self = context.getSelf();
        Duration limit = settings.drainTimeout().plus(LAST_WORDS).plus(LAST_WORDS);
        var system = context.getSystem();
        CoordinatedShutdown.get(system)
                .addTask(
                        CoordinatedShutdown.PhaseBeforeServiceUnbind(),
                        "cloister-worker-drain-" + self.path().uid(),
                        () -> {
                            CompletionStage<Drained> drained =
                                    AskPattern.ask(self, Drain::new, limit, system.scheduler());
                            return drained.handle((done, late) -> Done.getInstance());
                        });
    }

    private void drain(ActorRef<Drained> replyTo) {
        drainers.add(replyTo);
        if (condition != Condition.DRAINING) {
            LOG.info("draining: {} runs are under way", working.size());
            condition = Condition.DRAINING;
            offer();
            timers.startSingleTimer(new DrainTimeIsUp(), settings.drainTimeout());
        }
        advance();
    }

    private void handAllBack() {
        for (Work work : List.copyOf(working.values())) {
            working.remove(work.ticket());
            work.attempt().tell(new Attempt.Cancel());
            handBack(work.ticket());
        }
        timers.startSingleTimer(new LastWordsSaid(), LAST_WORDS);
        advance();
    }

    private void drained() {
        if (registered) { // not before, so that a new queue finds what there is to be told
            registered = false;
            getContext()
                    .getSystem()
                    .receptionist()
                    .tell(Receptionist.deregister(SERVICE, getContext().getSelf()));
        }
        timers.cancel(new DrainTimeIsUp());
        drainers.forEach(each -> each.tell(new Drained()));
        drainers.clear();
    }
}
