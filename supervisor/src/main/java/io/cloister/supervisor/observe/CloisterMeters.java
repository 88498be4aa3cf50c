// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.observe;

import akka.actor.typed.ActorSystem;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * Cloister's meters in Micrometer. Bind it once, before or after the actors start: {@code new
 * CloisterMeters(system).bindTo(registry)}. A registry bound later takes the place of the one
 * before; for several at a time there is Micrometer's composite.
 */
public final class CloisterMeters implements MeterBinder {
    private final Metrics metrics;
    private final Tags tags;

    public CloisterMeters(ActorSystem<?> system) {
        this(system, List.of());
    }

    /**
     * Meters with tags of one's own, such as which of several actor systems they are of.
     *
     * @param tags of every meter
     */
    public CloisterMeters(ActorSystem<?> system, Iterable<Tag> tags) {
        metrics = Metrics.get(system);
        this.tags = Tags.of(tags);
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        gauge(
                registry,
                Level.SLOTS_OFFERED,
                "cloister.slots.offered",
                "Slots that this worker offers the cluster's queue");
        gauge(
                registry,
                Level.SLOTS_USED,
                "cloister.slots.used",
                "Slots of this worker that runs of the cluster take");
        gauge(
                registry,
                Level.QUEUE_WAITING,
                "cloister.queue.waiting",
                "Runs in the cluster's queue that no worker has");
        gauge(
                registry,
                Level.QUEUE_RUNNING,
                "cloister.queue.running",
                "Runs in the cluster's queue that some worker has");
        gauge(
                registry,
                Level.QUEUE_UNFETCHED,
                "cloister.queue.unfetched",
                "Runs in the cluster's queue whose clients have not taken the answer");
        containers(registry, Level.CONTAINERS_STARTING, "starting");
        containers(registry, Level.CONTAINERS_IDLE, "idle");
        containers(registry, Level.CONTAINERS_LEASED, "leased");
        containers(registry, Level.CONTAINERS_CLEANING, "cleaning");
        gauge(
                registry,
                Level.CONTAINER_REQUESTS,
                "cloister.container.requests",
                "Requests of this worker's runs that wait for a container");
        metrics.listen(new Meters(registry, tags));
    }

    private void containers(MeterRegistry registry, Level level, String state) {
        Gauge.builder("cloister.containers", metrics, from -> from.read(level))
                .tags(tags.and("state", state))
                .description("This worker's containers")
                .register(registry);
    }

    private void gauge(MeterRegistry registry, Level level, String name, String description) {
        Gauge.builder(name, metrics, from -> from.read(level))
                .tags(tags)
                .description(description)
                .register(registry);
    }

    /** Made beforehand, so that to count is all that is done when something happens. */
    private static final class Meters implements MetricsListener {
        private final Map<Status, Timer> runs;
        private final Map<Status, Counter> outcomes;
        private final Timer wall;
        private final Timer setUp;
        private final Timer cpuOverrun;
        private final Timer wallOverrun;
        private final Timer containerWait;
        private final Timer creation;
        private final Timer cleanReset;
        private final Timer failedReset;
        private final Map<Retirement, Counter> retirements;
        private final Timer latency;
        private final Map<Ending, Counter> answers;
        private final Counter lost;

        Meters(MeterRegistry registry, Tags tags) {
            runs =
                    all(
                            Status.class,
                            status ->
                                    Timer.builder("cloister.run.duration")
                                            .tags(tags.and("status", name(status)))
                                            .description("From a run's submission to its answer")
                                            .register(registry));
            outcomes =
                    all(
                            Status.class,
                            status ->
                                    Counter.builder("cloister.program.outcomes")
                                            .tags(tags.and("status", name(status)))
                                            .description("Programs of runs that ended")
                                            .register(registry));
            wall =
                    Timer.builder("cloister.program.wall")
                            .tags(tags)
                            .description("From a program's start to its end")
                            .register(registry);
            setUp =
                    Timer.builder("cloister.program.setup")
                            .tags(tags)
                            .description("From a command's arrival at init to the program's start")
                            .register(registry);
            cpuOverrun = overrun(registry, tags, Limit.CPU_TIME);
            wallOverrun = overrun(registry, tags, Limit.WALL_TIME);
            containerWait =
                    Timer.builder("cloister.container.wait")
                            .tags(tags)
                            .description("From a program's request for a container to its lease")
                            .register(registry);
            creation =
                    Timer.builder("cloister.container.creation")
                            .tags(tags)
                            .description("From the request for a new container until it is ready")
                            .register(registry);
            cleanReset = reset(registry, tags, "clean");
            failedReset = reset(registry, tags, "failed");
            retirements =
                    all(
                            Retirement.class,
                            reason ->
                                    Counter.builder("cloister.container.retirements")
                                            .tags(tags.and("reason", name(reason)))
                                            .description("Containers that came to their end")
                                            .register(registry));
            latency =
                    Timer.builder("cloister.queue.latency")
                            .tags(tags)
                            .description("How long runs wait in the cluster's queue")
                            .register(registry);
            answers =
                    all(
                            Ending.class,
                            ending ->
                                    Counter.builder("cloister.queue.answers")
                                            .tags(tags.and("answer", name(ending)))
                                            .description("Runs that the cluster's queue answered")
                                            .register(registry));
            lost =
                    Counter.builder("cloister.queue.attempts.lost")
                            .tags(tags)
                            .description("Attempts at runs that were lost with their workers")
                            .register(registry);
        }

        private static Timer overrun(MeterRegistry registry, Tags tags, Limit limit) {
            return Timer.builder("cloister.limit.overrun")
                    .tags(tags.and("limit", limit.text()))
                    .description("By how much programs that hit a time limit exceeded it")
                    .register(registry);
        }

        private static Timer reset(MeterRegistry registry, Tags tags, String result) {
            return Timer.builder("cloister.container.reset")
                    .tags(tags.and("result", result))
                    .description("Resets of containers")
                    .register(registry);
        }

        private static <E extends Enum<E>, M> Map<E, M> all(Class<E> of, Function<E, M> meter) {
            Map<E, M> meters = new EnumMap<>(of);
            for (E each : of.getEnumConstants()) {
                meters.put(each, meter.apply(each));
            }
            return meters;
        }

        private static String name(Enum<?> value) {
            return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        @Override
        public void runEnded(Status status, Duration time) {
            of(runs, status).record(time);
        }

        @Override
        public void programEnded(ProgramOutcome outcome, Limits limits) {
            of(outcomes, outcome.status()).increment();
            if (outcome.termination().isEmpty()) { // it did not run
                return;
            }
            wall.record(outcome.wallTime());
            setUp.record(outcome.setUpTime());
            if (outcome.status() == Status.TIME_LIMIT && outcome.limit().isPresent()) {
                switch (outcome.limit().get()) {
                    case CPU_TIME ->
                            limits.cpuTime()
                                    .ifPresent(limit ->
                                            cpuOverrun.record(
                                                    beyond(outcome.usage().cpuTime(), limit)));
                    case WALL_TIME ->
                            wallOverrun.record(beyond(outcome.wallTime(), limits.wallTime()));
                    default -> {} // an idle group hit none
                }
            }
        }

        private static Duration beyond(Duration used, Duration limit) {
            return used.compareTo(limit) > 0 ? used.minus(limit) : Duration.ZERO;
        }

        @Override
        public void containerTaken(Duration waited) {
            containerWait.record(waited);
        }

        @Override
        public void containerCreated(Duration time) {
            creation.record(time);
        }

        @Override
        public void containerReset(boolean clean, Duration time) {
            (clean ? cleanReset : failedReset).record(time);
        }

        @Override
        public void containerRetired(Retirement reason) {
            of(retirements, reason).increment();
        }

        @Override
        public void assigned(Duration waited) {
            latency.record(waited);
        }

        @Override
        public void answered(Ending ending) {
            of(answers, ending).increment();
        }

        @Override
        public void attemptLost() {
            lost.increment();
        }

        private static <E extends Enum<E>, M> M of(Map<E, M> meters, E key) {
            return Objects.requireNonNull(meters.get(key));
        }
    }
}
