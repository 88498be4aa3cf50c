// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.run;

import akka.actor.typed.ActorRef;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.Pipe;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Standstill;
import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.unit.Bytes;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.io.Flow;
import io.cloister.supervisor.io.IdleWatch;
import io.cloister.supervisor.io.Relay;
import io.cloister.supervisor.io.StreamCollector;
import io.cloister.supervisor.io.Streams;
import io.cloister.supervisor.observe.Metrics;
import io.cloister.supervisor.observe.RunIds;
import io.cloister.supervisor.observe.RunTrace;
import io.cloister.supervisor.run.Verdicts.Ended;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A run that has not been answered: its programs' runners, and the pipes between them. */
final class RunInProgress {
    private final RunService.Submit submit;
    private final Metrics metrics;
    private final RunTrace trace;
    private final long since = System.nanoTime();
    private final List<Assigned> runners = new ArrayList<>();
    private final Map<PipeLink.End, Fd> given;
    private final Map<Integer, Relay> relays = new LinkedHashMap<>();

    /** What each program was given, closed again should its runner have ended before it came. */
    private final List<Map<Integer, Fd>> descriptors = new ArrayList<>();

    private final @Nullable ProgramOutcome[] outcomes;
    private final Map<Integer, ActorRef<Container.Command>> containers = new TreeMap<>();
    private final Duration idleTime;
    private final List<Flow> flows = new ArrayList<>();
    private @Nullable IdleWatch idleWatch;
    private Map<Integer, Optional<Standstill>> looks = new HashMap<>();
    private int awaitedLooks;
    private Optional<Instant> idleSince = Optional.empty();
    private boolean started;
    private boolean answered;

    /** A runner, for as long as it has the program that its listener is of. */
    record Assigned(ActorRef<ProgramRunner.Command> runner, ProgramRunner.Listener listener) {
        void end(Ended reason) {
            runner.tell(new ProgramRunner.End(listener, reason));
        }
    }

    /**
     * A run that was submitted.
     *
     * @param idleTime that a group may wait for itself, unless its run says otherwise
     */
    RunInProgress(RunService.Submit submit, Duration idleTime, Metrics metrics) {
        this.submit = submit;
        this.metrics = metrics;
        trace = RunTrace.begin(submit.ids(), submit.run().programs().size());
        this.idleTime = submit.run().idle().orElse(idleTime);
        given = new HashMap<>(submit.given());
        outcomes = new ProgramOutcome[programs().size()];
    }

    String id() {
        return submit.run().id();
    }

    RunIds ids() {
        return submit.ids();
    }

    List<Program> programs() {
        return submit.run().programs();
    }

    void add(Assigned runner) {
        runners.add(runner);
    }

    /** Still needs containers, or has not been given leave to. */
    boolean isGathering() {
        return !started && Arrays.stream(outcomes).anyMatch(Objects::isNull);
    }

    /** Whether all programs can start now. */
    boolean prepared(int program, ActorRef<Container.Command> container) {
        containers.put(program, container);
        return !started && containers.size() == outcomes.length;
    }

    /** Starts every program, all at once. */
    void start(StreamCollector collector) {
        started = true;
        for (int i = 0; i < outcomes.length; i++) {
            descriptors.add(new HashMap<>());
        }
        given.forEach(this::put);
        given.clear();
        try {
            List<PipeLink> pipes = submit.run().pipes();
            for (int i = 0; i < pipes.size(); i++) {
                connect(collector, i, pipes.get(i));
            }
        } catch (IOException e) {
            descriptors.forEach(each -> each.values().forEach(Fd::close));
            end(Ended.CANCELLED);
            descriptors.forEach(Map::clear);
        }
        for (int i = 0; i < runners.size(); i++) {
            runners.get(i).runner().tell(new ProgramRunner.Start(Map.copyOf(descriptors.get(i))));
        }
    }

    private void connect(StreamCollector collector, int index, PipeLink link) throws IOException {
        if (link.relay().isPresent()) {
            Assigned writer = runners.get(link.from().program());
            Relay relay = collector.relay(link.relay().get(), () -> writer.end(Ended.OUTPUT));
            relays.put(index, relay);
            flows.add(relay);
            put(link.from(), relay.forWriter());
            put(link.to(), relay.forReader());
        } else {
            Pipe pipe = Streams.pipe("pipe " + index);
            put(link.from(), pipe.writeEnd());
            put(link.to(), pipe.readEnd());
        }
    }

    private void put(PipeLink.End end, Fd fd) {
        if (end.program() >= descriptors.size()) {
            fd.close();
            return;
        }
        Fd before = descriptors.get(end.program()).put(end.descriptor(), fd);
        if (before != null) {
            before.close();
        }
    }

    /** Ends every program that has not ended. */
    void end(Ended reason) {
        if (runners.isEmpty()) { // waits for its turn
            for (int i = 0; i < outcomes.length; i++) {
                outcomes[i] = cancelled();
            }
            answer();
            return;
        }
        for (int i = 0; i < runners.size(); i++) {
            if (outcomes[i] == null) {
                runners.get(i).end(reason);
            }
        }
    }

    private static ProgramOutcome cancelled() {
        return ProgramOutcome.notRun(
                Status.CANCELLED, Failure.of(Failure.Kind.REFUSED, "cancelled before its start"));
    }

    /**
     * Takes note of a program's outcome. One that could not start takes the others with it.
     *
     * @return whether it was the last
     */
    boolean done(int program, ProgramOutcome outcome) {
        outcomes[program] = outcome;
        if (started) {
            descriptors.get(program).values().forEach(Fd::close);
        }
        if (!started && outcomes.length > 1) {
            end(Ended.CANCELLED);
        }
        return Arrays.stream(outcomes).allMatch(Objects::nonNull);
    }

    boolean mayBeIdle() {
        return !submit.run().pipes().isEmpty() && programs().size() > 1;
    }

    /** What the worker passes on keeps a group from being idle. */
    void watch(List<Flow> more) {
        flows.addAll(more);
        idleWatch = null;
    }

    /**
     * To be called time and again while the programs run.
     *
     * @return the containers to look at, by the numbers of their programs; none while an earlier
     *     look is under way
     */
    Map<Integer, ActorRef<Container.Command>> beginLook() {
        if (awaitedLooks > 0) {
            return Map.of();
        }
        Map<Integer, ActorRef<Container.Command>> running = new TreeMap<>(containers);
        running.keySet().removeIf(program -> outcomes[program] != null);
        looks = new HashMap<>();
        awaitedLooks = running.size();
        return running;
    }

    /** Takes note of how a program was found; the last one of a look decides. */
    void looked(int program, Optional<Standstill> standstill) {
        looks.put(program, standstill);
        awaitedLooks--;
        if (awaitedLooks == 0) {
            endIfIdle();
        }
    }

    private void endIfIdle() {
        IdleWatch watch = idleWatch;
        if (watch == null) {
            watch = new IdleWatch(flows);
            idleWatch = watch;
        }
        if (!watch.isIdle(looks)) {
            idleSince = Optional.empty();
            return;
        }
        Instant now = Instant.now();
        Instant since = idleSince.orElse(now);
        idleSince = Optional.of(since);
        if (!since.plus(idleTime).isAfter(now)) {
            end(Ended.IDLE);
        }
    }

    /** Answers every program alike, when the run cannot be carried out. */
    void refuse(Failure failure) {
        for (int i = 0; i < outcomes.length; i++) {
            if (outcomes[i] == null) {
                outcomes[i] = ProgramOutcome.notRun(Status.INTERNAL_ERROR, failure);
            }
        }
        answer();
    }

    boolean isAnswered() {
        return answered;
    }

    void answer() {
        if (answered) {
            return;
        }
        answered = true;
        given.values().forEach(Fd::close);
        given.clear();
        Map<Integer, Bytes> transcripts = new LinkedHashMap<>();
        relays.forEach((index, relay) -> {
            try {
                Bytes passed = relay.finish();
                if (submit.run().pipes().get(index).relay().orElseThrow().transcript()) {
                    transcripts.put(index, passed);
                }
            } catch (IOException e) { // a program may have read an end that was none
                relay.close();
                Failure failure =
                        Failure.of(
                                Failure.Kind.INTERNAL,
                                "pipe %d broke: %s".formatted(index, e.getMessage()));
                Arrays.fill(outcomes, ProgramOutcome.notRun(Status.INTERNAL_ERROR, failure));
            }
        });
        List<ProgramOutcome> results = new ArrayList<>();
        for (ProgramOutcome outcome : outcomes) {
            results.add(Objects.requireNonNull(outcome));
        }
        submit.replyTo().tell(new RunResult(id(), results, transcripts));
        observe(results);
    }

    private void observe(List<ProgramOutcome> results) {
        Status status = Status.OK;
        for (int i = 0; i < results.size(); i++) {
            ProgramOutcome outcome = results.get(i);
            if (status == Status.OK) {
                status = outcome.status();
            }
            metrics.listener().programEnded(outcome, programs().get(i).limits());
        }
        metrics.listener().runEnded(status, Duration.ofNanos(System.nanoTime() - since));
        trace.end(status);
    }
}
