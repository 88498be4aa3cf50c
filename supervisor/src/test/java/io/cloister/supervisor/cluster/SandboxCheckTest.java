// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Enforced;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Mechanism;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.run.Usage;
import io.cloister.protocol.unit.Bytes;
import io.cloister.supervisor.cluster.SandboxCheck.Trial;
import io.cloister.supervisor.run.RunService;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** How the outcomes of the hostile set are read. */
class SandboxCheckTest {
    private static final List<Trial> TRIALS = SandboxCheck.trials(ContainerConfig.standard());

    private static ProgramOutcome outcome(
            Status status, Optional<Limit> limit, List<Enforced> enforced, String output) {
        return new ProgramOutcome(
                status,
                Optional.empty(),
                Optional.of(new Termination.Exited(status == Status.OK ? 0 : 1)),
                limit,
                Usage.none(),
                Duration.ZERO,
                Duration.ZERO,
                Map.of(1, new Output(Bytes.ofUtf8(output), false)),
                Map.of(),
                enforced,
                Evidence.none());
    }

    private static List<Trial> limits() {
        return TRIALS.stream().filter(trial -> trial.limit().isPresent()).toList();
    }

    @Test
    void shouldTryEveryLimitThatProgramsAreHeldBackBy() {
        assertThat(limits())
                .extracting(trial -> trial.limit().orElseThrow())
                .containsExactlyInAnyOrder(
                        Limit.CPU_TIME,
                        Limit.WALL_TIME,
                        Limit.MEMORY,
                        Limit.PROCESSES,
                        Limit.OUTPUT);
    }

    @Test
    void shouldComplainOfALimitThatDoesNotLimit() {
        for (Trial trial : limits()) {
            Limit limit = trial.limit().orElseThrow();
            for (Mechanism by : List.of(Mechanism.INIT, Mechanism.CGROUP_V2, Mechanism.RLIMIT)) {
                List<Enforced> enforced = List.of(new Enforced(limit, by));
                assertThat(trial.complaint(outcome(Status.OK, Optional.empty(), enforced, "")))
                        .hasValueSatisfying(text -> assertThat(text).startsWith(trial.name()));
                assertThat(
                                trial.complaint(
                                        outcome(
                                                Status.TIME_LIMIT,
                                                Optional.of(Limit.FILE_SIZE),
                                                enforced,
                                                "")))
                        .isPresent();
                assertThat(
                                trial.complaint(
                                        outcome(
                                                Status.TIME_LIMIT,
                                                Optional.of(limit),
                                                enforced,
                                                "")))
                        .isEmpty();
            }
        }
    }

    @Test
    void shouldTakeAFailedProgramForProofOfAResourceLimitOnly() {
        for (Trial trial : limits()) {
            Limit limit = trial.limit().orElseThrow();
            Enforced rlimit = new Enforced(limit, Mechanism.RLIMIT);
            Enforced group = new Enforced(limit, Mechanism.CGROUP_V1);
            Optional<Limit> none = Optional.empty();
            assertThat(trial.complaint(outcome(Status.NONZERO_EXIT, none, List.of(rlimit), "")))
                    .isEmpty();
            assertThat(
                            trial.complaint(
                                    outcome(Status.NONZERO_EXIT, none, List.of(group, rlimit), "")))
                    .isPresent();
        }
    }

    @Test
    void shouldSkipWhatTheHostCannotEnforce() {
        for (Trial trial : limits()) {
            ProgramOutcome outcome = outcome(Status.OK, Optional.empty(), List.of(), "");
            assertThat(trial.isSkipped(outcome)).isTrue();
            assertThat(trial.complaint(outcome)).isEmpty();
        }
    }

    @Test
    void shouldComplainOfWhatTheLookAroundFinds() {
        Trial look = TRIALS.getLast();
        assertThat(look.complaint(outcome(Status.OK, Optional.empty(), List.of(), ""))).isEmpty();
        assertThat(look.complaint(outcome(Status.OK, Optional.empty(), List.of(), "can mount\n")))
                .hasValueSatisfying(text -> assertThat(text).contains("can mount"));
        assertThat(look.complaint(outcome(Status.NONZERO_EXIT, Optional.empty(), List.of(), "")))
                .isPresent();
    }

    /** Each trial would wait for one as long as the first. */
    @Test
    void shouldEndAtOnceWhenThereAreNoContainers() {
        ActorTestKit kit = ActorTestKit.create();
        try {
            TestProbe<RunService.Command> runs = kit.createTestProbe();
            TestProbe<SandboxCheck.Report> reports = kit.createTestProbe();
            kit.spawn(SandboxCheck.create(ContainerConfig.standard(), runs.ref(), reports.ref()));
            RunService.Submit submit = runs.expectMessageClass(RunService.Submit.class);
            Failure failure = Failure.of(Failure.Kind.UNAVAILABLE, "no container");
            submit.replyTo()
                    .tell(
                            new RunResult(
                                    submit.run().id(),
                                    List.of(ProgramOutcome.notRun(Status.INTERNAL_ERROR, failure)),
                                    Map.of()));
            assertThat(reports.receiveMessage().complaints())
                    .singleElement()
                    .satisfies(text -> assertThat(text).contains("no container"));
        } finally {
            kit.shutdownTestKit();
        }
    }

    @Test
    void shouldComplainOfWhatWasNotCarriedOut() {
        for (Trial trial : TRIALS) {
            Failure failure = Failure.of(Failure.Kind.UNAVAILABLE, "no container");
            assertThat(trial.complaint(ProgramOutcome.notRun(Status.INTERNAL_ERROR, failure)))
                    .hasValueSatisfying(text -> assertThat(text).contains("no container"));
        }
    }
}
