// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.run;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.TimerScheduler;
import io.cloister.nativeio.fd.Fd;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Standstill;
import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.supervisor.CloisterSettings;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.io.FileCopies;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.io.Flow;
import io.cloister.supervisor.io.StreamCollector;
import io.cloister.supervisor.observe.Metrics;
import io.cloister.supervisor.observe.ProgramTrace;
import io.cloister.supervisor.observe.RunIds;
import io.cloister.supervisor.pool.ContainerSupervisor;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;

/**
 * Carries out {@link Run}s in containers of a supervisor's. Spawn one per worker, on the
 * containers' dispatcher ({@link ContainerSupervisor#DISPATCHER}): its messages to them then wake
 * no thread.
 *
 * <p>Every submission is answered once. How many run at a time, and how many may wait, is for the
 * supervisor to say; a run that finds no place says so in its result. Groups take their containers
 * one group after the other, since two that each hold half of what they need would wait for ever.
 */
public final class RunService extends AbstractOnMessageBehavior<RunService.Command> {
    private static final Duration EXPIRY_INTERVAL = Duration.ofMinutes(1);

    /** A look that takes longer has seen nothing. */
    private static final Duration LOOK_LIMIT = Duration.ofSeconds(5);

    /** What the service can be asked. */
    public sealed interface Command {}

    /**
     * Carry out a run.
     *
     * @param given the descriptors of its given streams; the service's from now on
     * @param ids what it is called in log lines and events
     */
    public record Submit(
            Run run, Map<PipeLink.End, Fd> given, RunIds ids, ActorRef<RunResult> replyTo)
            implements Command {
        public Submit {
            given = Map.copyOf(given);
        }

        public Submit(Run run, Map<PipeLink.End, Fd> given, ActorRef<RunResult> replyTo) {
            this(run, given, RunIds.of(run.id()), replyTo);
        }

        public Submit(Run run, ActorRef<RunResult> replyTo) {
            this(run, Map.of(), replyTo);
        }
    }

    /** End all runs of this id; each is answered. */
    public record Cancel(String id) implements Command {}

    private record Prepared(RunInProgress run, int program, ActorRef<Container.Command> container)
            implements Command {}

    private record Started(RunInProgress run, List<Flow> flows) implements Command {}

    private record ExpireFiles() implements Command {}

    /**
     * A program is over.
     *
     * @param lease if the runner takes another program
     */
    private record Done(
            RunInProgress run,
            int program,
            ProgramOutcome outcome,
            ActorRef<ProgramRunner.Command> runner,
            Optional<ContainerSupervisor.Lease> lease)
            implements Command {}

    private record LookForIdleness(RunInProgress run) implements Command {}

    private record Looked(RunInProgress run, int program, Optional<Standstill> standstill)
            implements Command {}

    private final TimerScheduler<Command> timers;
    private final CloisterSettings settings;
    private final FileStore store;
    private final Metrics metrics;
    private final StreamCollector collector = new StreamCollector();
    private final ProgramRunner.Worker worker;
    private final Set<RunInProgress> runs = new HashSet<>();

    /** Those that wait for another program. */
    private final Queue<ActorRef<ProgramRunner.Command>> runners = new ArrayDeque<>();

    /** Groups that have not got all their containers; the first one is getting them. */
    private final Queue<RunInProgress> gathering = new ArrayDeque<>();

    private RunService(
            ActorContext<Command> context,
            TimerScheduler<Command> timers,
            CloisterSettings settings,
            FileStore store,
            ActorRef<ContainerSupervisor.Command> supervisor) {
        super(context);
        this.timers = timers;
        this.settings = settings;
        this.store = store;
        metrics = Metrics.get(context.getSystem());
        worker =
                new ProgramRunner.Worker(
                        supervisor,
                        collector,
                        new FileCopies(store, settings.hostFiles()),
                        metrics);
        timers.startTimerWithFixedDelay(new ExpireFiles(), EXPIRY_INTERVAL);
    }

    /**
     * The behaviour of a worker's service.
     *
     * @param store the worker's, shared with whoever puts files there; stays the caller's
     */
    public static Behavior<Command> create(
            CloisterSettings settings,
            FileStore store,
            ActorRef<ContainerSupervisor.Command> supervisor) {
        return Behaviors.setup(context ->
                Behaviors.withTimers(
                        timers -> new RunService(context, timers, settings, store, supervisor)));
    }

    @Override
    public Behavior<Command> onMessage(Command command) {
        switch (command) {
            case Submit submit -> submit(submit);
            case Cancel(String id) -> cancel(id);
            case Prepared(RunInProgress run, int program, var container) -> {
                if (run.prepared(program, container)) {
                    start(run);
                }
            }
            case Started(RunInProgress run, List<Flow> flows) -> run.watch(flows);
            case ExpireFiles expire -> store.expire();
            case Done done -> onDone(done);
            case LookForIdleness(RunInProgress run) ->
                    run.beginLook().forEach((program, at) -> look(run, program, at));
            case Looked(RunInProgress run, int program, var standstill) ->
                    run.looked(program, standstill);
        }
        return this;
    }

    private void submit(Submit submit) {
        RunInProgress run = new RunInProgress(submit, settings.idleTime(), metrics);
        if (submit.run().programs().size() > settings.maxContainers()) {
            run.refuse(
                    Failure.of(
                            Failure.Kind.UNAVAILABLE,
                            "a group of %d programs needs as many containers, this worker has %d"
                                    .formatted(
                                            submit.run().programs().size(),
                                            settings.maxContainers())));
            return;
        }
        runs.add(run);
        if (submit.run().programs().size() == 1) {
            gather(run);
        } else {
            gathering.add(run);
            if (gathering.peek() == run) {
                gather(run);
            }
        }
    }

    private void cancel(String id) {
        for (RunInProgress run : List.copyOf(runs)) {
            if (run.id().equals(id)) {
                run.end(Verdicts.Ended.CANCELLED);
                if (run.isAnswered()) { // it had not begun
                    runs.remove(run);
                    gathering.remove(run);
                }
            }
        }
    }

    /** Whoever waits for the run is told before anything else happens. */
    private void onDone(Done done) {
        RunInProgress run = done.run();
        if (run.done(done.program(), done.outcome())) {
            timers.cancel(run);
            runs.remove(run);
            run.answer();
        }
        if (!run.isGathering()) {
            gathered(run);
        }
        done.lease()
                .ifPresent(lease -> {
                    worker.supervisor().tell(new ContainerSupervisor.Release(lease));
                    keep(done.runner());
                });
    }

    /** More than there are containers are of use only while runs wait for one. */
    private void keep(ActorRef<ProgramRunner.Command> runner) {
        if (runners.size() < settings.maxContainers()) {
            runners.add(runner);
        } else {
            getContext().stop(runner);
        }
    }

    private void gather(RunInProgress run) {
        ActorRef<Command> self = getContext().getSelf();
        for (int i = 0; i < run.programs().size(); i++) {
            int program = i;
            ActorRef<ProgramRunner.Command> runner = takeRunner();
            ProgramRunner.Listener listener =
                    new ProgramRunner.Listener() {
                        @Override
                        public void prepared(ActorRef<Container.Command> container) {
                            self.tell(new Prepared(run, program, container));
                        }

                        @Override
                        public void started(List<Flow> flows) {
                            if (run.mayBeIdle() && !flows.isEmpty()) {
                                self.tell(new Started(run, flows));
                            }
                        }

                        @Override
                        public void done(
                                ProgramOutcome outcome, Optional<ContainerSupervisor.Lease> lease) {
                            self.tell(new Done(run, program, outcome, runner, lease));
                        }
                    };
            run.add(new RunInProgress.Assigned(runner, listener));
            runner.tell(
                    new ProgramRunner.Prepare(
                            run.programs().get(i),
                            listener,
                            run.ids(),
                            ProgramTrace.begin(run.ids(), i)));
        }
    }

    private ActorRef<ProgramRunner.Command> takeRunner() {
        ActorRef<ProgramRunner.Command> ready = runners.poll();
        return ready != null
                ? ready
                : getContext()
                        .spawnAnonymous(
                                ProgramRunner.create(worker), DispatcherSelector.sameAsParent());
    }

    /** The next group may take its containers. */
    private void gathered(RunInProgress run) {
        if (gathering.peek() == run) {
            gathering.remove();
            RunInProgress next = gathering.peek();
            if (next != null) {
                gather(next);
            }
        }
    }

    private void start(RunInProgress run) {
        run.start(collector);
        gathered(run);
        if (run.mayBeIdle()) {
            timers.startTimerAtFixedRate(
                    run, new LookForIdleness(run), settings.idleCheckInterval());
        }
    }

    private void look(RunInProgress run, int program, ActorRef<Container.Command> container) {
        getContext()
                .ask(
                        Container.Looked.class,
                        container,
                        LOOK_LIMIT,
                        Container.Look::new,
                        (looked, late) ->
                                new Looked(
                                        run,
                                        program,
                                        late == null ? looked.standstill() : Optional.empty()));
    }

    @Override
    public Behavior<Command> onSignal(Signal signal) {
        if (signal instanceof PostStop) {
            Failure failure = Failure.of(Failure.Kind.UNAVAILABLE, "the worker is shutting down");
            runs.forEach(run -> run.refuse(failure));
            collector.close();
        }
        return this;
    }
}
