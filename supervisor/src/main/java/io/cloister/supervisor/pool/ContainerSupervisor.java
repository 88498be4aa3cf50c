// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.pool;

import akka.Done;
import akka.actor.CoordinatedShutdown;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.TimerScheduler;
import io.cloister.nativeio.cgroup.ContainerCgroup;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.message.Conf;
import io.cloister.protocol.message.ConfReply;
import io.cloister.protocol.message.Configured;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.ResetDone;
import io.cloister.protocol.message.ResetReply;
import io.cloister.supervisor.CloisterSettings;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.observe.ContainerTrace;
import io.cloister.supervisor.observe.Level;
import io.cloister.supervisor.observe.LogIds;
import io.cloister.supervisor.observe.Metrics;
import io.cloister.supervisor.observe.Retirement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker's containers. It creates them, keeps some configured ones ready, leases them out one
 * holder at a time, takes them back after a proven reset, and replaces what has died, aged or
 * failed its reset. Spawn one per worker; nothing else owns containers.
 */
public final class ContainerSupervisor
        extends AbstractOnMessageBehavior<ContainerSupervisor.Command> {
    private static final Logger LOG = LoggerFactory.getLogger(ContainerSupervisor.class);

    /**
     * The dispatcher of containers, one thread for all. The supervisor itself, and actors that do
     * no more than send commands and take replies, are best spawned on it too, for every message
     * then travels without waking a thread; none of them may block. It is a setting of
     * reference.conf.
     */
    public static final String DISPATCHER = "cloister.container-dispatcher";

    /** What the supervisor can be asked. Every request with a {@code replyTo} is answered once. */
    public sealed interface Command {}

    /**
     * Asks for a clean container of the standard configuration. Waits for one up to
     * cloister.containers.acquire-timeout.
     *
     * @param owner its end takes the container with it
     */
    public record Acquire(Optional<ActorRef<?>> owner, ActorRef<AcquireReply> replyTo)
            implements Command {}

    /** Asks for a new container of another configuration, which is destroyed on release. */
    public record Create(
            ContainerConfig config, Optional<ActorRef<?>> owner, ActorRef<AcquireReply> replyTo)
            implements Command {}

    /** Gives a container back, whatever state it is in; unknown leases are ignored. */
    public record Release(Lease lease) implements Command {}

    /** Refuses further requests, destroys all containers, and answers when none is left. */
    public record Drain(ActorRef<Drained> replyTo) implements Command {}

    /** Asks how many containers there are, and in which state. */
    public record GetStatus(ActorRef<PoolStatus> replyTo) implements Command {}

    /** An answer to {@link Acquire} or {@link Create}. */
    public sealed interface AcquireReply {}

    /**
     * A container for the receiver alone until it is released. Watch it to learn of its end.
     *
     * @param init the number of its first process on the host, for messages
     * @param workDirectory of the container, below which relative paths are
     * @param configured what came of its configuration
     */
    public record Lease(
            long id,
            ActorRef<Container.Command> container,
            int init,
            String workDirectory,
            Configured configured)
            implements AcquireReply {}

    /** There is none to be had: why, and what to do. */
    public record NotAcquired(Failure failure) implements AcquireReply {}

    /** No container is left. */
    public record Drained() {}

    /**
     * How many containers are in which state.
     *
     * @param starting being created or configured
     * @param idle ready
     * @param leased in somebody's hands
     * @param cleaning being reset, or ending
     * @param waiting requests that wait for one
     */
    public record PoolStatus(int starting, int idle, int leased, int cleaning, int waiting) {
        public int containers() {
            return starting + idle + leased + cleaning;
        }
    }

    private record WasMade(ContainerSource.Made made) implements Command {}

    private record WasConfigured(Member member, @Nullable ConfReply reply) implements Command {}

    private record WasReset(Member member, ResetReply reply) implements Command {}

    private record WaitedTooLong(Waiting waiting) implements Command {}

    private record Refill() implements Command {}

    private enum State {
        STARTING,
        IDLE,
        LEASED,
        RESETTING,
        ENDING
    }

    /** A container to be: pooled, or of a configuration of its own for one requester. */
    private record Birth(
            ContainerConfig config,
            Optional<Waiting> requester,
            ContainerTrace trace,
            long askedAt) {
        Birth(ContainerConfig config, Optional<Waiting> requester) {
            this(config, requester, new ContainerTrace(), System.nanoTime());
        }
    }

    /** A request that has not been answered. */
    private record Waiting(Optional<ActorRef<?>> owner, ActorRef<AcquireReply> replyTo) {}

    /** A living container. */
    private static final class Member {
        private final ActorRef<Container.Command> container;
        private final boolean pooled;
        private final Optional<ContainerCgroup> cgroup;
        private final String workDirectory;
        private final int init;
        private final Optional<Integer> core;
        private final Instant born = Instant.now();
        private final ContainerTrace trace;
        private final long askedAt;
        private State state = State.STARTING;
        private Retirement reason = Retirement.LOST;
        private long resetSince;
        private @Nullable Configured configured;
        private boolean admitted;
        private @Nullable ActorRef<ResetReply> resetAnswers;
        private int uses;
        private long lease;
        private Optional<ActorRef<?>> owner = Optional.empty();

        Member(
                ActorRef<Container.Command> container,
                Birth birth,
                ContainerSource.Newborn newborn,
                Optional<Integer> core) {
            this.container = container;
            pooled = birth.requester().isEmpty();
            trace = birth.trace();
            askedAt = birth.askedAt();
            this.core = core;
            cgroup = newborn.cgroup();
            workDirectory = newborn.workDirectory(birth.config());
            init = newborn.init();
        }
    }

    private final TimerScheduler<Command> timers;
    private final CloisterSettings settings;
    private final Metrics metrics;
    private final Map<State, Metrics.Share> levels = new EnumMap<>(State.class);
    private final Metrics.Share unbornLevel;
    private final Metrics.Share waitingLevel;
    private final ContainerSource source;
    private final ActorRef<ContainerSource.Order> maker;
    private final ActorRef<ContainerSource.Made> made;
    private final Map<ActorRef<?>, Member> members = new LinkedHashMap<>();
    private final Map<Long, Member> leases = new HashMap<>();
    private final Map<Member, Waiting> requesters = new HashMap<>();
    private final Queue<Waiting> waiting = new ArrayDeque<>();
    private final List<ActorRef<Drained>> drainers = new ArrayList<>();
    private final Map<Long, Birth> births = new HashMap<>();

    /** Of those that containers are to have to themselves. */
    private final Queue<Integer> freeCores;

    /** Those whose init is not in its control groups yet. */
    private final Map<Long, Member> admissions = new HashMap<>();

    /**
     * Those that wait for the ids, or the core, of a container that is ending; there is one
     * whenever one waits.
     */
    private final Queue<Birth> unborn = new ArrayDeque<>();

    private long lastBirth;
    private long lastLease;
    private long containersNamed;
    private boolean draining;
    private Duration backoff = Duration.ZERO;
    private boolean backingOff;
    private Failure lastFailure =
            Failure.of(Failure.Kind.UNAVAILABLE, "all containers are in use: try again later");

    private ContainerSupervisor(
            ActorContext<Command> context,
            TimerScheduler<Command> timers,
            CloisterSettings settings,
            ContainerSource source) {
        super(context);
        this.timers = timers;
        this.settings = settings;
        this.source = source;
        metrics = Metrics.get(context.getSystem());
        for (State state : State.values()) {
            levels.put(state, metrics.share(level(state)));
        }
        unbornLevel = metrics.share(Level.CONTAINERS_STARTING);
        waitingLevel = metrics.share(Level.CONTAINER_REQUESTS);
        freeCores = new ArrayDeque<>(settings.exclusiveCores());
        LOG.info("{}", source.describe());
        maker = context.spawn(source.maker(), "maker", DispatcherSelector.blocking());
        context.watch(maker);
        made = context.messageAdapter(ContainerSource.Made.class, WasMade::new);
        drainOnShutdown(context);
        refill();
    }

    private static Level level(State state) {
        return switch (state) {
            case STARTING -> Level.CONTAINERS_STARTING;
            case IDLE -> Level.CONTAINERS_IDLE;
            case LEASED -> Level.CONTAINERS_LEASED;
            case RESETTING, ENDING -> Level.CONTAINERS_CLEANING;
        };
    }

    private void become(Member member, State state) {
        adjust(member.state, -1);
        member.state = state;
        adjust(state, 1);
    }

    private void adjust(State state, int more) {
        Objects.requireNonNull(levels.get(state)).add(more);
    }

    /** Of what has no state yet. */
    private void countWaiting() {
        unbornLevel.set(births.size() + unborn.size());
        waitingLevel.set(waiting.size());
    }

    /**
     * The behaviour of a worker's supervisor.
     *
     * @throws IllegalStateException when it is to create the containers itself, and the block of id
     *     ranges, or the version of control groups that the settings ask for, cannot be used
     */
    public static Behavior<Command> create(CloisterSettings settings) {
        return Behaviors.setup(context ->
                Behaviors.withTimers(timers ->
                        new ContainerSupervisor(context, timers, settings, source(settings))));
    }

    /**
     * Whether a supervisor could start with these settings on this machine. For those who want to
     * know it before they start actors; what it takes is given back.
     *
     * @throws IllegalStateException as the {@linkplain #create behaviour} would, saying which
     *     setting cannot be followed, and why
     */
    public static void check(CloisterSettings settings) {
        source(settings).close();
    }

    private static ContainerSource source(CloisterSettings settings) {
        return settings.socket()
                .<ContainerSource>map(socket -> new RemoteContainers(socket, settings))
                .orElseGet(() -> LocalContainers.open(settings));
    }

    private void drainOnShutdown(ActorContext<Command> context) {
        CoordinatedShutdown.get(context.getSystem())
                .addTask(
                        CoordinatedShutdown.PhaseBeforeActorSystemTerminate(),
                        "cloister-drain-" + context.getSelf().path().uid(),
                        () -> {
                            CompletionStage<Drained> drained =
                                    AskPattern.ask(
                                            context.getSelf(),
                                            Drain::new,
                                            settings.drainTimeout(),
                                            context.getSystem().scheduler());
                            return drained.handle((done, late) -> Done.getInstance());
                        });
    }

    @Override
    public Behavior<Command> onMessage(Command command) {
        Behavior<Command> next = step(command);
        countWaiting();
        return next;
    }

    private Behavior<Command> step(Command command) {
        return switch (command) {
            case Acquire acquire -> onAcquire(acquire);
            case Create create -> onCreate(create);
            case Release release -> onRelease(release);
            case Drain drain -> onDrain(drain);
            case GetStatus status -> onGetStatus(status);
            case WasMade(ContainerSource.Made made) -> onMade(made);
            case WasConfigured configured -> onConfigured(configured);
            case WasReset reset -> onReset(reset);
            case WaitedTooLong late -> onWaitedTooLong(late.waiting());
            case Refill refill -> onRefill();
        };
    }

    @Override
    public Behavior<Command> onSignal(Signal signal) {
        if (signal instanceof Terminated terminated) {
            onTerminated(terminated.getRef());
            countWaiting();
        } else if (signal instanceof PostStop) {
            onStop();
        }
        return this;
    }

    // ---- requests ----------------------------------------------------------------------------

    private Behavior<Command> onAcquire(Acquire acquire) {
        Waiting request = new Waiting(acquire.owner(), acquire.replyTo());
        if (draining) {
            refuse(request, unavailable("the worker is shutting down"));
            return this;
        }
        Optional<Member> idle = takeIdle();
        if (idle.isPresent()) {
            lease(idle.get(), request);
        } else if (waiting.size() >= settings.queue()) {
            refuse(request, unavailable(waiting.size() + " requests wait for a container already"));
        } else {
            waiting.add(request);
            timers.startSingleTimer(request, new WaitedTooLong(request), settings.acquireTimeout());
        }
        refill();
        return this;
    }

    private Behavior<Command> onCreate(Create create) {
        Waiting request = new Waiting(create.owner(), create.replyTo());
        if (draining) {
            refuse(request, unavailable("the worker is shutting down"));
            return this;
        }
        Optional<Failure> refusal = source.refusal(create.config());
        if (refusal.isPresent()) {
            refuse(request, refusal.get());
        } else if (population() < settings.maxContainers() || evictUnused()) {
            begin(new Birth(create.config(), Optional.of(request)));
        } else if (!takeBirth(create.config(), request)) {
            refuse(request, unavailable("all containers are in use"));
        }
        return this;
    }

    private Behavior<Command> onRelease(Release release) {
        Member member = leases.remove(release.lease().id());
        if (member == null) {
            return this;
        }
        member.owner = Optional.empty();
        Optional<Retirement> end = endOf(member);
        if (end.isPresent()) {
            end(member, end.get());
        } else {
            become(member, State.RESETTING);
            member.trace.resetting(member.lease);
            member.resetSince = System.nanoTime();
            member.container.tell(new Container.Reset(resetAnswers(member)));
        }
        return this;
    }

    /** Why a container that is given back is not to be used again. */
    private Optional<Retirement> endOf(Member member) {
        if (draining) {
            return Optional.of(Retirement.SHUTDOWN);
        }
        if (!member.pooled) {
            return Optional.of(Retirement.RELEASED);
        }
        if (member.uses >= settings.maxUses()) {
            return Optional.of(Retirement.USED);
        }
        return member.born.plus(settings.maxAge()).isBefore(Instant.now())
                ? Optional.of(Retirement.AGED)
                : Optional.empty();
    }

    /**
     * Not an ask, which would wake two threads for each reset: a container answers within its own
     * deadline, or ends.
     */
    private ActorRef<ResetReply> resetAnswers(Member member) {
        ActorRef<ResetReply> answers = member.resetAnswers;
        if (answers == null) {
            ActorRef<Command> self = getContext().getSelf();
            answers =
                    getContext()
                            .spawnAnonymous(
                                    Behaviors.receiveMessage(reply -> {
                                        self.tell(new WasReset(member, reply));
                                        return Behaviors.same();
                                    }),
                                    DispatcherSelector.sameAsParent());
            member.resetAnswers = answers;
        }
        return answers;
    }

    private Behavior<Command> onDrain(Drain drain) {
        draining = true;
        drainers.add(drain.replyTo());
        while (!waiting.isEmpty()) {
            Waiting request = waiting.remove();
            timers.cancel(request);
            refuse(request, unavailable("the worker is shutting down"));
        }
        unborn.forEach(birth ->
                birth.requester()
                        .ifPresent(request ->
                                refuse(request, unavailable("the worker is shutting down"))));
        unborn.clear();
        List.copyOf(members.values()).forEach(member -> end(member, Retirement.SHUTDOWN));
        answerDrainers();
        return this;
    }

    private Behavior<Command> onGetStatus(GetStatus status) {
        status.replyTo()
                .tell(
                        new PoolStatus(
                                births.size() + unborn.size() + count(State.STARTING),
                                count(State.IDLE),
                                count(State.LEASED),
                                count(State.RESETTING) + count(State.ENDING),
                                waiting.size()));
        return this;
    }

    private int count(State state) {
        int count = 0;
        for (Member member : members.values()) {
            if (member.state == state) {
                count++;
            }
        }
        return count;
    }

    // ---- births ------------------------------------------------------------------------------

    /** Containers that are, or are about to be; one that is ending has made room. */
    private int population() {
        return births.size() + unborn.size() + members.size() - count(State.ENDING);
    }

    private void refill() {
        if (draining || backingOff) {
            return;
        }
        int ready =
                births.size()
                        + unborn.size()
                        + count(State.STARTING)
                        + count(State.IDLE)
                        + count(State.RESETTING);
        int wanted = settings.warmContainers() + waiting.size();
        while (ready < wanted && population() < settings.maxContainers()) {
            begin(new Birth(settings.standard(), Optional.empty()));
            ready++;
        }
    }

    /** Not an ask: an init that is born after a timeout would have no owner. */
    private void begin(Birth birth) {
        int capacity = source.capacity();
        int cores = settings.exclusiveCores().size();
        if (births.size() + members.size() >= (cores == 0 ? capacity : Math.min(capacity, cores))) {
            unborn.add(birth);
            return;
        }
        births.put(++lastBirth, birth);
        birth.trace().creating();
        maker.tell(new ContainerSource.Make(lastBirth, birth.requester().isEmpty(), made));
    }

    private Behavior<Command> onMade(ContainerSource.Made made) {
        return switch (made) {
            case ContainerSource.Admitted admitted -> onAdmitted(admitted);
            case ContainerSource.Born born -> onBirth(born);
            case ContainerSource.Stillborn stillborn -> onStillbirth(stillborn);
        };
    }

    private Behavior<Command> onAdmitted(ContainerSource.Admitted admitted) {
        Member member = admissions.remove(admitted.birth());
        if (member == null || member.state != State.STARTING) {
            return this;
        }
        if (admitted.failure().isPresent()) {
            failStart(member, unavailable(admitted.failure().get()));
            return this;
        }
        member.cgroup.ifPresent(groups ->
                member.container.tell(
                        new Container.Grouped(groups, member.core.map(String::valueOf))));
        member.admitted = true;
        finishStart(member);
        return this;
    }

    private Birth born(ContainerSource.Made made) {
        Birth birth = births.remove(made.birth());
        if (birth == null) {
            throw new IllegalStateException("a birth was answered twice");
        }
        return birth;
    }

    private Behavior<Command> onBirth(ContainerSource.Born born) {
        Birth birth = born(born);
        Member member = adopt(birth, born.newborn());
        member.trace.created(member.init);
        admissions.put(born.birth(), member);
        getContext()
                .ask(
                        ConfReply.class,
                        member.container,
                        settings.configureDeadline(),
                        replyTo -> new Container.Configure(new Conf(birth.config()), replyTo),
                        (reply, late) -> new WasConfigured(member, reply));
        birth.requester().ifPresent(request -> requesters.put(member, request));
        if (draining) {
            end(member, Retirement.SHUTDOWN);
        }
        return this;
    }

    private Behavior<Command> onStillbirth(ContainerSource.Stillborn stillborn) {
        Birth birth = born(stillborn);
        Failure failure = Failure.of(Failure.Kind.UNAVAILABLE, stillborn.reason());
        if (birth.requester().isPresent()) {
            refuse(birth.requester().get(), failure);
        } else {
            backOff(failure);
        }
        answerDrainers();
        return this;
    }

    private Member adopt(Birth birth, ContainerSource.Newborn newborn) {
        ActorRef<Container.Command> container =
                getContext()
                        .spawn(
                                newborn.router(),
                                "container-" + ++containersNamed,
                                DispatcherSelector.fromConfig(DISPATCHER));
        getContext().watch(container);
        Member member =
                new Member(container, birth, newborn, Optional.ofNullable(freeCores.poll()));
        members.put(container, member);
        adjust(member.state, 1);
        return member;
    }

    private Behavior<Command> onConfigured(WasConfigured configured) {
        Member member = configured.member();
        if (configured.reply() instanceof Configured done && member.state == State.STARTING) {
            member.configured = done;
            finishStart(member);
            return this;
        }
        failStart(
                member,
                configured.reply() instanceof Failure known
                        ? known
                        : unavailable("the container could not be configured in time"));
        return this;
    }

    /** It is ready when it is configured and its init is in its control groups. */
    private void finishStart(Member member) {
        if (member.configured == null || !member.admitted) {
            return;
        }
        backoff = Duration.ZERO;
        member.trace.configured(true);
        metrics.listener().containerCreated(since(member.askedAt));
        Optional<Waiting> requester = Optional.ofNullable(requesters.remove(member));
        if (requester.isPresent()) {
            lease(member, requester.get());
            // not at once: whoever waits for the container may be on this thread as well
            getContext()
                    .getExecutionContext()
                    .execute(() -> maker.tell(new ContainerSource.Prepare()));
        } else {
            makeAvailable(member);
        }
    }

    private void failStart(Member member, Failure failure) {
        Optional<Waiting> requester = Optional.ofNullable(requesters.remove(member));
        boolean wanted = member.state == State.STARTING;
        end(member, Retirement.NOT_STARTED);
        if (requester.isPresent()) {
            refuse(requester.get(), failure);
        } else if (wanted) {
            backOff(failure);
        }
    }

    private static Duration since(long nanoTime) {
        return Duration.ofNanos(System.nanoTime() - nanoTime);
    }

    private void backOff(Failure failure) {
        lastFailure = failure;
        Duration next = backoff.isZero() ? settings.minBackoff() : backoff.multipliedBy(2);
        backoff = next.compareTo(settings.maxBackoff()) > 0 ? settings.maxBackoff() : next;
        backingOff = true;
        LOG.warn(
                "no container could be made ({}): next attempt in {}", failure.describe(), backoff);
        timers.startSingleTimer("refill", new Refill(), backoff);
    }

    private Behavior<Command> onRefill() {
        backingOff = false;
        refill();
        return this;
    }

    // ---- leases ------------------------------------------------------------------------------

    private Optional<Member> takeIdle() {
        Instant tooOld = Instant.now().minus(settings.maxAge());
        for (Member member : members.values()) {
            if (member.state == State.IDLE) {
                if (!member.born.isBefore(tooOld)) {
                    return Optional.of(member);
                }
                end(member, Retirement.AGED);
            }
        }
        return Optional.empty();
    }

    private void makeAvailable(Member member) {
        Waiting request = waiting.poll();
        if (request == null) {
            become(member, State.IDLE);
        } else {
            timers.cancel(request);
            lease(member, request);
        }
    }

    private void lease(Member member, Waiting request) {
        become(member, State.LEASED);
        member.uses++;
        member.lease = ++lastLease;
        member.owner = request.owner();
        leases.put(member.lease, member);
        // for good: it is likely to come again, and to watch an actor anew costs as much as a lease
        request.owner().ifPresent(owner -> getContext().watch(owner));
        request.replyTo()
                .tell(
                        new Lease(
                                member.lease,
                                member.container,
                                member.init,
                                member.workDirectory,
                                Objects.requireNonNull(member.configured)));
        refill();
    }

    private Behavior<Command> onReset(WasReset reset) {
        Member member = reset.member();
        if (member.state != State.RESETTING) {
            return this;
        }
        boolean clean = reset.reply() instanceof ResetDone;
        member.trace.reset(clean);
        metrics.listener().containerReset(clean, since(member.resetSince));
        if (clean) {
            makeAvailable(member);
        } else {
            end(member, Retirement.NOT_CLEAN);
        }
        refill();
        return this;
    }

    private Behavior<Command> onWaitedTooLong(Waiting request) {
        if (waiting.remove(request)) {
            refuse(request, unavailable("no container in time: " + lastFailure.describe()));
        }
        return this;
    }

    private static void refuse(Waiting request, Failure failure) {
        request.replyTo().tell(new NotAcquired(failure));
    }

    private static Failure unavailable(String reason) {
        return Failure.of(Failure.Kind.UNAVAILABLE, reason + ": try again later, or elsewhere");
    }

    // ---- ends --------------------------------------------------------------------------------

    /** Makes room by a pooled container that nobody has or waits for. */
    private boolean evictUnused() {
        Optional<Member> unused = takeIdle();
        if (unused.isEmpty() && waiting.isEmpty()) {
            unused =
                    members.values().stream()
                            .filter(member ->
                                    member.state == State.RESETTING
                                            || (member.pooled && member.state == State.STARTING))
                            .findFirst();
        }
        unused.ifPresent(member -> end(member, Retirement.EVICTED));
        return unused.isPresent();
    }

    /** Gives a fork that is under way for the pool to a requester instead. */
    private boolean takeBirth(ContainerConfig config, Waiting request) {
        if (!waiting.isEmpty()) {
            return false;
        }
        for (Map.Entry<Long, Birth> birth : births.entrySet()) {
            if (birth.getValue().requester().isEmpty()) {
                Birth taken = new Birth(config, Optional.of(request));
                taken.trace().creating();
                birth.setValue(taken);
                return true;
            }
        }
        return false;
    }

    private void end(Member member, Retirement reason) {
        if (member.state != State.ENDING) {
            member.trace.configured(false); // if that was under way
            member.trace.retiring();
            member.reason = reason;
            become(member, State.ENDING);
            member.container.tell(new Container.Destroy());
        }
    }

    private void onTerminated(ActorRef<?> ref) {
        if (ref.equals(maker)) {
            throw new IllegalStateException("nobody can make containers any more");
        }
        Member member = members.remove(ref);
        if (member == null) {
            List.copyOf(leases.values()).stream()
                    .filter(held -> held.owner.isPresent() && held.owner.get().equals(ref))
                    .forEach(this::abandon);
            return;
        }
        leases.remove(member.lease, member);
        member.core.ifPresent(freeCores::add);
        if (member.resetAnswers != null) {
            getContext().stop(member.resetAnswers);
        }
        if (member.state == State.IDLE || member.state == State.RESETTING) {
            try (LogIds ids = LogIds.of(member.init)) {
                LOG.warn("{} has died", ref.path().name());
            }
        }
        adjust(member.state, -1);
        member.trace.retired(member.reason, member.uses);
        metrics.listener().containerRetired(member.reason);
        Birth next = unborn.poll();
        if (next != null) {
            begin(next);
        }
        refill();
        answerDrainers();
    }

    /** Its owner is gone, perhaps in the middle of something. */
    private void abandon(Member member) {
        leases.remove(member.lease);
        member.owner = Optional.empty();
        end(member, Retirement.ABANDONED);
    }

    private void answerDrainers() {
        if (draining && births.isEmpty() && members.isEmpty()) {
            drainers.forEach(drainer -> drainer.tell(new Drained()));
            drainers.clear();
        }
    }

    private void onStop() {
        levels.values().forEach(level -> level.set(0));
        unbornLevel.set(0);
        waitingLevel.set(0);
        source.close();
    }
}
