// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.Enforced;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Mechanism;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.unit.ByteSize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each limit below, at and above its edge, with a program that uses a known amount. */
@Tag("cgroup")
@Timeout(value = 120, unit = TimeUnit.SECONDS)
@SuppressWarnings("NullAway.Init") // set before all tests
class LimitsTest extends WorkerTest {
    private static final ByteSize MEMORY = ByteSize.ofMiB(64);

    @TempDir static Path hostFiles;

    private Workload workload;

    LimitsTest() {
        super("cloister.run.host-files = [\"" + System.getProperty("java.io.tmpdir") + "\"]");
    }

    @BeforeAll
    void compile() throws Exception {
        assumeTrue(CProgram.hasCompiler(), CProgram.NO_COMPILER);
        workload = Workload.compiled();
    }

    ProgramOutcome run(Limits.Builder limits, Object... deed) {
        return worker().run(workload.of(limits.build(), deed));
    }

    private ProgramOutcome shell(Limits.Builder limits, String script) {
        return worker().run(
                        Program.of("/bin/sh", "-c", script)
                                .collect(ByteSize.ofKiB(64))
                                .limits(limits.build()));
    }

    static Limits.Builder limits() {
        return Limits.builder().wallTime(Duration.ofSeconds(60));
    }

    private static void assertEnds(ProgramOutcome outcome, Status status, Limit limit) {
        assertThat(outcome.status()).as(outcome.toString()).isEqualTo(status);
        assertThat(outcome.limit()).as(outcome.toString()).contains(limit);
    }

    private static void assertOk(ProgramOutcome outcome) {
        assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.OK);
        assertThat(outcome.limit()).as(outcome.toString()).isEmpty();
    }

    private static void assertEnds(ProgramOutcome outcome, Termination termination) {
        assertThat(outcome.termination()).as(outcome.toString()).contains(termination);
        assertThat(outcome.limit()).as(outcome.toString()).isEmpty();
    }

    // ---- time -------------------------------------------------------------------------------

    /** Whoever may use CPU time. */
    List<String> burners() {
        return List.of(
                "burn",
                "burn-in-kernel",
                "burn-in-threads",
                "burn-in-children",
                "burn-in-orphans",
                "burn-in-ignored-children",
                "burn-in-living-children");
    }

    @ParameterizedTest
    @MethodSource("burners")
    void shouldLimitCpuTimeWhoeverUsesIt(String deed) {
        ProgramOutcome below = run(limits().cpuTime(Duration.ofMillis(600)), deed, 100, 2);
        assertOk(below);
        assertThat(below.enforced())
                .anyMatch(each ->
                        each.equals(new Enforced(Limit.CPU_TIME, Mechanism.INIT_CGROUP_V1))
                                || each.equals(
                                        new Enforced(Limit.CPU_TIME, Mechanism.INIT_CGROUP_V2)));

        ProgramOutcome above = run(limits().cpuTime(Duration.ofMillis(200)), deed, 20_000, 2);
        assertEnds(above, Status.TIME_LIMIT, Limit.CPU_TIME);
        assertThat(above.usage().cpuTime())
                .isBetween(Duration.ofMillis(200), Duration.ofSeconds(2));
    }

    @Test
    void shouldLimitWallTimeAlone() {
        Limits.Builder limits =
                limits().wallTime(Duration.ofMillis(300)).cpuTime(Duration.ofMillis(300));
        ProgramOutcome above = run(limits, "sleep", 60_000);
        assertEnds(above, Status.TIME_LIMIT, Limit.WALL_TIME);
        assertThat(above.wallTime()).isGreaterThanOrEqualTo(Duration.ofMillis(300));
        assertThat(above.usage().cpuTime()).isLessThan(Duration.ofMillis(300));

        assertOk(run(limits(), "sleep", 300));
    }

    // ---- memory -----------------------------------------------------------------------------

    /** In what ways memory may be touched. */
    List<String> touchers() {
        return List.of("touch", "free", "share");
    }

    @ParameterizedTest
    @MethodSource("touchers")
    void shouldLimitMemoryThatIsTouched(String deed) {
        ProgramOutcome below = run(limits().memory(MEMORY), deed, 48, 4);
        assertOk(below);
        assertThat(below.usage().memory().bytes())
                .isBetween(ByteSize.ofMiB(48).bytes(), MEMORY.bytes());

        ProgramOutcome above = run(limits().memory(MEMORY), deed, 80, 4);
        assertEnds(above, Status.MEMORY_LIMIT, Limit.MEMORY);
        assertThat(above.evidence().oomKills()).isPositive();
        assertThat(above.usage().memory().bytes())
                .isBetween(ByteSize.ofMiB(60).bytes(), MEMORY.bytes());
    }

    @Test
    void shouldCountFilesInMemory() {
        assertOk(run(limits().memory(MEMORY), "write", ByteSize.ofMiB(48).bytes()));
        assertEnds(
                run(limits().memory(MEMORY), "write", ByteSize.ofMiB(80).bytes()),
                Status.MEMORY_LIMIT,
                Limit.MEMORY);
    }

    @Test
    void shouldNotCountMemoryThatIsOnlyReserved() {
        ProgramOutcome outcome = run(limits().memory(MEMORY), "reserve", 1024);
        assertOk(outcome);
        assertThat(outcome.usage().memory().bytes()).isLessThan(ByteSize.ofMiB(16).bytes());
    }

    @Test
    void shouldNotTakeCachedFilesForMemory() throws Exception {
        Path file = hostFiles.resolve("large");
        writeUncached(file, ByteSize.ofMiB(96));
        Program.Builder program =
                Program.of("/usr/bin/wc", "-c").stream(
                                0, new Stream.Input(new Content.HostFile(file.toString())))
                        .collect(ByteSize.ofKiB(1))
                        .limits(limits().memory(ByteSize.ofMiB(32)).build());
        ProgramOutcome outcome = worker().run(program);

        assertOk(outcome);
        assertThat(Workload.stdout(outcome).strip())
                .isEqualTo(Long.toString(ByteSize.ofMiB(96).bytes()));
    }

    /** With dd, since Java cannot have the kernel forget what it has in its cache. */
    private static void writeUncached(Path file, ByteSize size) throws Exception {
        String script =
                "dd if=/dev/zero of=%s bs=1M count=%d conv=fsync && dd of=%s oflag=nocache conv=notrunc,fdatasync count=0"
                        .formatted(file, size.bytes() >> 20, file);
        Process dd =
                new ProcessBuilder("/bin/sh", "-c", script)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
        assertThat(dd.waitFor()).isZero();
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    }

    // ---- processes --------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(strings = {"make-processes", "make-threads"})
    void shouldLimitProcessesAndThreads(String deed) {
        for (int children : List.of(6, 7)) { // with the first process one less than 8, and 8
            ProgramOutcome outcome = run(limits().processes(8), deed, children);
            assertOk(outcome);
            assertThat(Workload.said(outcome, "made")).isEqualTo(children);
            outcome.usage()
                    .peakProcesses()
                    .ifPresent(peak -> assertThat(peak).isEqualTo(children + 1));
        }
        ProgramOutcome more = run(limits().processes(8), deed, 8);
        assertEnds(more, Status.OK, Limit.PROCESSES);
        assertThat(Workload.said(more, "made")).isEqualTo(7);
        assertThat(more.evidence().processesRefused()).isPositive();
    }

    // ---- output and files -------------------------------------------------------------------

    @Test
    void shouldLimitTheOutputOfEachStream() {
        Limits.Builder limits = limits().output(ByteSize.ofKiB(1));
        String both = "head -c %d /dev/zero; head -c %d /dev/zero >&2";
        assertOk(shell(limits, both.formatted(1024, 1024)));
        assertEnds(shell(limits, both.formatted(1024, 1025)), Status.OUTPUT_LIMIT, Limit.OUTPUT);
        ProgramOutcome more = shell(limits, both.formatted(1025, 1024));
        assertEnds(more, Status.OUTPUT_LIMIT, Limit.OUTPUT);
        assertThat(more.outputs().get(1).content().length()).isEqualTo(1024);
    }

    @Test
    void shouldLimitTheLengthOfFiles() {
        Limits.Builder limits = limits().fileSize(ByteSize.ofBytes(100_000));
        ProgramOutcome exact = run(limits, "write", 100_000);
        assertOk(exact);
        assertThat(Workload.said(exact, "written")).isEqualTo(100_000);

        ProgramOutcome more = run(limits, "write", 100_001);
        assertEnds(more, Status.OUTPUT_LIMIT, Limit.FILE_SIZE);
    }

    @Test
    void shouldLimitOpenFiles() {
        assertThat(Workload.said(run(limits().openFiles(16), "open", 13), "highest")).isEqualTo(15);
        assertThat(Workload.said(run(limits().openFiles(16), "open", 14), "highest")).isEqualTo(15);
    }

    @Test
    void shouldSayThatFilesCopiedInDoNotFitTheDisk() {
        Limits.Builder limits = limits().diskSize(ByteSize.ofKiB(64));
        ProgramOutcome outcome = run(limits, "sleep", 0);
        assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.FILE_ERROR);
        assertThat(outcome.failure().orElseThrow().describe()).contains("disk");

        ProgramOutcome many =
                worker().run(
                                Program.of("/bin/true")
                                        .copyIn(CopyIn.File.of("a", Content.ofUtf8("")))
                                        .copyIn(CopyIn.File.of("b", Content.ofUtf8("")))
                                        .limits(limits().diskFiles(2).build()));
        assertThat(many.status()).as(many.toString()).isEqualTo(Status.FILE_ERROR);
    }

    // ---- address space ----------------------------------------------------------------------

    @Test
    void shouldLimitTheStack() {
        assertOk(run(limits().stack(ByteSize.ofMiB(1)), "recurse", 512));
        assertEnds(
                run(limits().stack(ByteSize.ofMiB(1)), "recurse", 2048),
                new Termination.Signalled(11, "SIGSEGV", false));
        assertOk(run(limits().stack(ByteSize.ofMiB(64)), "recurse", 48 * 1024));
    }

    @Test
    void shouldLimitAddressSpaceAndData() {
        ByteSize size = ByteSize.ofMiB(64);
        assertOk(run(limits().addressSpace(size), "reserve", 32));
        assertEnds(run(limits().addressSpace(size), "reserve", 64), new Termination.Exited(3));
        assertOk(run(limits().dataSegment(size), "reserve", 32));
        assertEnds(run(limits().dataSegment(size), "reserve", 64), new Termination.Exited(3));
        assertThat(Workload.said(run(limits().dataSegment(size), "data", 64), "break"))
                .isEqualTo(-1);
    }

    @Test
    void shouldLetNoProgramRaiseItsLimits() {
        ProgramOutcome outcome =
                run(
                        limits().cpuTime(Duration.ofSeconds(5))
                                .fileSize(ByteSize.ofMiB(1))
                                .stack(ByteSize.ofMiB(8))
                                .openFiles(64)
                                .addressSpace(ByteSize.ofMiB(512))
                                .dataSegment(ByteSize.ofMiB(256)),
                        "raise-limits");
        assertOk(outcome);
        assertThat(Workload.stdout(outcome)).isEmpty();
    }

    // ---- processors -------------------------------------------------------------------------

    @Test
    void shouldLimitTheCpuRate() {
        ProgramOutcome outcome = run(limits().cpuRate(200), "rate", 1500);
        assertOk(outcome);
        assertThat((double) Workload.said(outcome, "cpu") / Workload.said(outcome, "wall"))
                .isBetween(0.01, 0.35);
    }

    @Test
    void shouldKeepAProgramOnItsCores() {
        ProgramOutcome one = run(limits().cpuSet("0"), "cores");
        assertOk(one);
        assertThat(Workload.stdout(one)).isEqualTo("core 0\ncores 1\n");

        ProgramOutcome all = run(limits(), "cores");
        assertThat(Workload.said(all, "cores"))
                .isEqualTo(Runtime.getRuntime().availableProcessors());
    }

    // ---- what holds always ------------------------------------------------------------------

    @Test
    void shouldLeaveNoCoreDumps() {
        ProgramOutcome outcome = shell(limits(), "ulimit -c; ulimit -Hc; kill -QUIT $$");
        assertThat(Workload.stdout(outcome)).isEqualTo("0\n0\n");
        assertEnds(outcome, new Termination.Signalled(3, "SIGQUIT", false));
    }

    @Test
    void shouldOfferProgramsToTheOomKillerFirst() throws IOException {
        worker().awaitOne();
        Path own = Path.of("/proc", Long.toString(worker().oneInit()), "oom_score_adj");
        String before = Files.readString(own);
        ProgramOutcome outcome = shell(limits(), "cat /proc/self/oom_score_adj");

        assertThat(Workload.stdout(outcome)).isEqualTo("1000\n");
        assertThat(Files.readString(own)).isEqualTo(before).isNotEqualTo("1000\n");
    }

    @Test
    void shouldSayWhatWasEnforced() {
        ProgramOutcome outcome = shell(limits(), ":");
        assertThat(outcome.enforced())
                .containsExactlyInAnyOrder(
                        new Enforced(Limit.WALL_TIME, Mechanism.INIT),
                        new Enforced(Limit.OUTPUT, Mechanism.COLLECTOR));
    }
}
