// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Enforced;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Mechanism;
import io.cloister.protocol.run.MemorySource;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.unit.ByteSize;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A worker without control groups: what it refuses, and what it does when less is allowed. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
@SuppressWarnings("NullAway.Init") // set before all tests
class FallbacksTest extends WorkerTest {
    private static final ByteSize MEMORY = ByteSize.ofMiB(64);

    private Workload workload;

    FallbacksTest() {
        super("cloister.cgroups.mode = NONE");
    }

    @BeforeAll
    void compile() throws Exception {
        assumeTrue(CProgram.hasCompiler(), CProgram.NO_COMPILER);
        workload = Workload.compiled();
    }

    private static Limits.Builder limit(Limit limit) {
        Limits.Builder limits = Limits.builder().wallTime(Duration.ofSeconds(30));
        return switch (limit) {
            case CPU_TIME -> limits.cpuTime(Duration.ofMillis(300));
            case MEMORY -> limits.memory(MEMORY);
            case CPU_RATE -> limits.cpuRate(500);
            case CPU_SET -> limits.cpuSet("0");
            default -> throw new IllegalArgumentException(limit.text());
        };
    }

    private static Enforced[] enforced(Limit limit) {
        return switch (limit) {
            case CPU_TIME ->
                    new Enforced[] {
                        new Enforced(limit, Mechanism.INIT_PROCESS_CLOCK),
                        new Enforced(limit, Mechanism.RLIMIT)
                    };
            case MEMORY -> new Enforced[] {new Enforced(limit, Mechanism.RLIMIT)};
            default -> new Enforced[0];
        };
    }

    @ParameterizedTest
    @EnumSource(
            value = Limit.class,
            names = {"CPU_TIME", "MEMORY", "CPU_RATE", "CPU_SET"})
    void shouldRefuseWhatOnlyAGroupEnforcesUnlessLessIsAllowed(Limit limit) {
        ProgramOutcome refused = worker().run(workload.of(limit(limit).build(), "sleep", 0));
        assertThat(refused.status()).as(refused.toString()).isEqualTo(Status.INTERNAL_ERROR);
        Failure failure = refused.failure().orElseThrow();
        assertThat(failure.kind()).isEqualTo(Failure.Kind.NOT_ENFORCEABLE);
        assertThat(failure.describe()).contains(limit.text(), "allowLess", "cloister.cgroups");

        ProgramOutcome allowed =
                worker().run(workload.of(limit(limit).allowLess(true).build(), "sleep", 0));
        assertThat(allowed.status()).as(allowed.toString()).isEqualTo(Status.OK);
        assertThat(allowed.enforced().stream().filter(each -> each.limit() == limit))
                .containsExactlyInAnyOrderElementsOf(Arrays.asList(enforced(limit)));
        assertThat(allowed.usage().memorySource()).isEqualTo(MemorySource.RUSAGE);
        assertThat(allowed.usage().memory().bytes()).isPositive();
    }

    @Test
    void shouldLimitTheCpuTimeOfTheFirstProcess() {
        Limits limits = limit(Limit.CPU_TIME).allowLess(true).build();
        for (String deed : new String[] {"burn", "burn-in-threads", "burn-in-kernel"}) {
            ProgramOutcome outcome = worker().run(workload.of(limits, deed, 20_000, 2));
            assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.TIME_LIMIT);
            assertThat(outcome.limit()).contains(Limit.CPU_TIME);
        }
    }

    @Test
    void shouldRefuseTheProcessMoreMemory() {
        Limits limits = limit(Limit.MEMORY).allowLess(true).build();
        assertThat(worker().run(workload.of(limits, "touch", 48)).status()).isEqualTo(Status.OK);
        assertThat(worker().run(workload.of(limits, "touch", 80)).status())
                .isEqualTo(Status.NONZERO_EXIT);
    }

    @Test
    void shouldLimitProcessesByUser() {
        Limits limits = Limits.builder().processes(4).build();
        for (String deed : new String[] {"make-processes", "make-threads"}) {
            ProgramOutcome outcome = worker().run(workload.of(limits, deed, 10));
            assertThat(Workload.said(outcome, "made")).as(outcome.toString()).isEqualTo(3);
            assertThat(outcome.enforced())
                    .contains(new Enforced(Limit.PROCESSES, Mechanism.RLIMIT));
        }
    }
}
