// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.observe;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.run.Usage;
import io.cloister.protocol.unit.ByteSize;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CloisterMetersTest {
    private static final Limits LIMITS =
            Limits.builder().cpuTime(Duration.ofSeconds(1)).wallTime(Duration.ofSeconds(2)).build();

    private ActorTestKit kit;
    private SimpleMeterRegistry registry;
    private Metrics metrics;

    @BeforeEach
    void bind() {
        kit = ActorTestKit.create();
        registry = new SimpleMeterRegistry();
        new CloisterMeters(kit.system()).bindTo(registry);
        metrics = Metrics.get(kit.system());
    }

    @AfterEach
    void stop() {
        kit.shutdownTestKit();
    }

    private void ended(Status status, Optional<Limit> limit, long cpuMillis, long wallMillis) {
        metrics.listener()
                .programEnded(
                        new ProgramOutcome(
                                status,
                                Optional.empty(),
                                Optional.of(new Termination.Exited(0)),
                                limit,
                                Usage.ofRusage(
                                        Duration.ofMillis(cpuMillis),
                                        Duration.ZERO,
                                        ByteSize.ofBytes(0)),
                                Duration.ofMillis(wallMillis),
                                Duration.ofMillis(1),
                                Map.of(),
                                Map.of(),
                                List.of(),
                                Evidence.none()),
                        LIMITS);
    }

    private Timer overrun(Limit limit) {
        return registry.get("cloister.limit.overrun").tag("limit", limit.text()).timer();
    }

    private double outcomes(String status) {
        return registry.get("cloister.program.outcomes").tag("status", status).counter().count();
    }

    @Test
    void shouldMeasureByHowMuchALimitWasExceededThatWasHit() {
        ended(Status.TIME_LIMIT, Optional.of(Limit.CPU_TIME), 1004, 1500);
        ended(Status.TIME_LIMIT, Optional.of(Limit.CPU_TIME), 999, 1500); // as the kernel counts
        ended(Status.TIME_LIMIT, Optional.of(Limit.WALL_TIME), 10, 2007);
        ended(Status.OK, Optional.empty(), 1, 2);

        assertThat(overrun(Limit.CPU_TIME).count()).isEqualTo(2);
        assertThat(overrun(Limit.CPU_TIME).totalTime(TimeUnit.MILLISECONDS)).isEqualTo(4);
        assertThat(overrun(Limit.WALL_TIME).count()).isEqualTo(1);
        assertThat(overrun(Limit.WALL_TIME).totalTime(TimeUnit.MILLISECONDS)).isEqualTo(7);
        assertThat(outcomes("time-limit")).isEqualTo(3);
        assertThat(outcomes("ok")).isEqualTo(1);
    }

    @Test
    void shouldCountWhatDidNotRunWithoutTimes() {
        metrics.listener()
                .programEnded(
                        ProgramOutcome.notRun(
                                Status.INTERNAL_ERROR,
                                Failure.of(Failure.Kind.UNAVAILABLE, "none to be had")),
                        LIMITS);

        assertThat(outcomes("internal-error")).isEqualTo(1);
        assertThat(registry.get("cloister.program.wall").timer().count()).isZero();
    }

    @Test
    void shouldAddUpWhatSeveralActorsHave() {
        Metrics.Share one = metrics.share(Level.SLOTS_USED);
        Metrics.Share other = metrics.share(Level.SLOTS_USED);
        one.set(3);
        other.set(4);
        one.add(-1);
        assertThat(registry.get("cloister.slots.used").gauge().value()).isEqualTo(6);

        other.set(0);
        assertThat(registry.get("cloister.slots.used").gauge().value()).isEqualTo(2);
    }

    @Test
    void shouldCountUnderEveryReasonAndAnswerThatThereIs() {
        for (Retirement reason : Retirement.values()) {
            metrics.listener().containerRetired(reason);
        }
        for (Ending ending : Ending.values()) {
            metrics.listener().answered(ending);
        }

        assertThat(registry.get("cloister.container.retirements").counters())
                .hasSameSizeAs(Retirement.values())
                .allMatch(counter -> counter.count() == 1);
        assertThat(registry.get("cloister.queue.answers").counters())
                .hasSameSizeAs(Ending.values())
                .allMatch(counter -> counter.count() == 1);
    }
}
