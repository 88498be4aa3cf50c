// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.MemorySource;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.unit.ByteSize;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The figures of a run, against programs that use a known amount and count themselves what they
 * use.
 */
@Tag("cgroup")
@Timeout(value = 120, unit = TimeUnit.SECONDS)
@SuppressWarnings("NullAway.Init") // set before all tests
class AccountingTest extends WorkerTest {
    private static final Limits LIMITS =
            Limits.builder()
                    .wallTime(Duration.ofSeconds(60))
                    .cpuTime(Duration.ofSeconds(30))
                    .memory(ByteSize.ofMiB(256))
                    .processes(16)
                    .build();

    /** What starting and ending some processes takes, on a slow machine; a burner takes more. */
    private static final Duration AROUND = Duration.ofMillis(350);

    private static final Duration CLOCKS_DIFFER = Duration.ofMillis(10);
    private static final ByteSize SMALL = ByteSize.ofMiB(20);

    private Workload workload;

    @BeforeAll
    void compile() throws Exception {
        assumeTrue(CProgram.hasCompiler(), CProgram.NO_COMPILER);
        workload = Workload.compiled();
    }

    private ProgramOutcome run(Object... deed) {
        ProgramOutcome outcome = worker().run(workload.of(LIMITS, deed));
        assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.OK);
        return outcome;
    }

    // ---- CPU time ---------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({
        "burn, 1000, 1",
        "burn-in-kernel, 1000, 1",
        "burn-in-threads, 500, 2",
        "burn-in-children, 500, 2",
        "burn-in-orphans, 500, 2",
        "burn-in-ignored-children, 500, 2",
        "burn-in-living-children, 500, 2"
    })
    void shouldCountCpuTimeWhoeverUsesIt(String deed, int millis, int many) {
        ProgramOutcome outcome = run(deed, millis, many);
        Duration own = Workload.saidCpu(outcome);

        assertThat(own).isGreaterThanOrEqualTo(Duration.ofSeconds(1));
        assertThat(outcome.usage().cpuTime()).isBetween(own.minus(CLOCKS_DIFFER), own.plus(AROUND));
    }

    @Test
    void shouldTellTimeInTheKernelFromTheProgramsOwn() {
        ProgramOutcome user = run("burn", 1000);
        assertThat(user.usage().userCpu()).isGreaterThan(user.usage().cpuTime().dividedBy(2));

        ProgramOutcome system = run("burn-in-kernel", 1000);
        Duration own = Duration.ofNanos(Workload.said(system, "system"));
        assertThat(system.usage().systemCpu())
                .isBetween(own.minus(CLOCKS_DIFFER), own.plus(AROUND));
    }

    @Test
    void shouldNotTakeSleepForWork() {
        ProgramOutcome outcome = run("sleep", 500);

        assertThat(outcome.wallTime()).isGreaterThanOrEqualTo(Duration.ofMillis(500));
        assertThat(outcome.usage().cpuTime()).isLessThan(AROUND);
    }

    // ---- memory -----------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(strings = {"touch", "free"})
    void shouldReportThePeakOfMemory(String deed) {
        ProgramOutcome outcome = run(deed, 100);

        assertThat(outcome.usage().memory().bytes())
                .isBetween(ByteSize.ofMiB(100).bytes(), ByteSize.ofMiB(108).bytes());
        assertThat(outcome.usage().maxResidentSet().bytes())
                .isBetween(ByteSize.ofMiB(100).bytes(), ByteSize.ofMiB(108).bytes());
        assertThat(outcome.usage().memorySource())
                .isIn(MemorySource.CGROUP_V1_MAX_USAGE, MemorySource.CGROUP_V2_PEAK);
    }

    @Test
    void shouldCountSharedMemoryOnce() {
        ProgramOutcome outcome = run("share", 50, 4);

        assertThat(outcome.usage().memory().bytes())
                .isBetween(ByteSize.ofMiB(50).bytes(), ByteSize.ofMiB(60).bytes());
    }

    @Test
    void shouldNotCountWhatIsOnlyReserved() {
        ProgramOutcome outcome = run("reserve", 100);

        assertThat(outcome.usage().memory()).isLessThan(SMALL);
        assertThat(outcome.usage().maxResidentSet()).isLessThan(SMALL);
    }

    // ---- one after the other ----------------------------------------------------------------

    @Test
    void shouldKeepTheFiguresOfRunsApart() throws Exception {
        try (Worker one = Worker.start(HostileTrial.settings())) {
            one.run(Program.of("/bin/true"));
            long init = one.oneInit();
            Limits tight = LIMITS.toBuilder().memory(ByteSize.ofMiB(32)).processes(4).build();
            assertThat(one.run(workload.of(LIMITS, "touch", 150)).status()).isEqualTo(Status.OK);
            assertAsNew(one);
            assertThat(one.run(workload.of(LIMITS, "burn-in-threads", 500, 2)).status())
                    .isEqualTo(Status.OK);
            assertAsNew(one);
            assertThat(one.run(workload.of(LIMITS, "write", 100_000_000)).status())
                    .isEqualTo(Status.OK);
            assertAsNew(one);
            assertThat(one.run(workload.of(tight, "touch", 64)).limit()).contains(Limit.MEMORY);
            assertAsNew(one);
            assertThat(one.run(workload.of(tight, "write", 64_000_000)).limit())
                    .contains(Limit.MEMORY);
            assertAsNew(one);
            assertThat(one.run(workload.of(tight, "make-processes", 10)).limit())
                    .contains(Limit.PROCESSES);
            assertAsNew(one);
            assertThat(one.oneInit()).as("the same container").isEqualTo(init);
        }
    }

    private static void assertAsNew(Worker worker) {
        ProgramOutcome next = worker.run(Program.of("/bin/true").limits(LIMITS));
        assertThat(next.status()).as(next.toString()).isEqualTo(Status.OK);
        assertThat(next.limit()).isEmpty();
        assertThat(next.usage().memory()).as(next.toString()).isLessThan(SMALL);
        assertThat(next.usage().cpuTime()).as(next.toString()).isLessThan(AROUND);
        assertThat(next.usage().peakProcesses().orElse(1)).isEqualTo(1);
        assertThat(next.evidence().oomKills()).isZero();
        assertThat(next.evidence().processesRefused()).isZero();
    }
}
