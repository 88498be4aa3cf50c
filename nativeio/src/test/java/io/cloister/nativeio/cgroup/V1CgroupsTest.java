// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import static io.cloister.nativeio.cgroup.TestLimits.FOUR_PROCESSES;
import static io.cloister.nativeio.cgroup.TestLimits.MIB;
import static io.cloister.nativeio.cgroup.TestLimits.cpus;
import static io.cloister.nativeio.cgroup.TestLimits.hog;
import static io.cloister.nativeio.cgroup.TestLimits.memory;
import static io.cloister.nativeio.cgroup.TestLimits.processes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.cloister.nativeio.cgroup.CgroupSettings.Mode;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.testkit.OpenDescriptors;
import io.cloister.nativeio.testkit.Skip;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Version 1 on the real kernel, where it has the controllers there. */
@Timeout(60)
class V1CgroupsTest {
    private static final Duration DEADLINE = Duration.ofSeconds(20);

    private V1Cgroups cgroups;
    private ContainerCgroup container;
    private Inhabitant init;

    @BeforeAll
    static void need() {
        try (Cgroups some = detect()) {
            assertThat(some.version()).isEqualTo(CgroupVersion.V1);
        } catch (IOException e) {
            Skip.when(true, "no cgroup v1: " + e.getMessage());
        }
    }

    private static V1Cgroups detect() throws IOException {
        return (V1Cgroups) Cgroups.detect(new CgroupSettings(Mode.V1, Optional.empty()));
    }

    @BeforeEach
    void create() throws Exception {
        cgroups = detect();
        container = cgroups.create("one");
        init = Inhabitant.start();
        container.admit(init.pid(), LibC.geteuid());
    }

    @AfterEach
    void remove() throws Exception {
        init.close();
        container.remove();
        cgroups.close();
    }

    private CgroupFigures run(CgroupLimits limits, String line) throws IOException {
        try (CgroupRun run = container.begin(limits)) {
            init.run(line);
            return run.end();
        }
    }

    private void need(CgroupController controller) {
        Skip.when(
                !cgroups.controllers().contains(controller),
                "no cgroup v1 " + controller + ": " + cgroups.whyNot(controller));
    }

    private Path group(CgroupController controller) {
        return cgroups.directory(controller).resolve("one");
    }

    private String file(CgroupController controller, String name) throws IOException {
        return Files.readString(group(controller).resolve(name)).strip();
    }

    @Test
    void shouldMeasureMemoryOfEachRunAlone() throws Exception {
        need(CgroupController.MEMORY);

        CgroupFigures large = run(memory(128 * MIB), hog(40));
        CgroupFigures small = run(memory(128 * MIB), hog(4));

        assertThat(large.memorySource()).isEqualTo("cgroup-v1 max_usage");
        assertThat(large.memoryPeakBytes().getAsLong()).isBetween(40 * MIB, 60 * MIB);
        assertThat(small.memoryPeakBytes().getAsLong()).isBetween(4 * MIB, 24 * MIB);
        assertThat(large.oomKills()).isZero();
        assertThat(small.oomKills()).isZero();
        assertThat(small.remainingMemoryBytes().getAsLong()).isBetween(1L, 24 * MIB);
    }

    @Test
    void shouldKillAtTheMemoryLimitAndCountIt() throws Exception {
        need(CgroupController.MEMORY);

        CgroupFigures killed = run(memory(24 * MIB), hog(64));
        CgroupFigures after = run(memory(128 * MIB), hog(64));

        assertThat(killed.oomKills()).isEqualTo(1);
        assertThat(killed.processesPeakBytes().getAsLong()).isBetween(20 * MIB, 24 * MIB);
        assertThat(after.oomKills()).isZero();
        assertThat(after.memoryPeakBytes().getAsLong()).isGreaterThan(64 * MIB);
        assertThat(init.isAlive()).isTrue();
    }

    @Test
    void shouldLetNothingBeSwappedOut() throws Exception {
        need(CgroupController.MEMORY);
        Skip.when(
                !Files.exists(group(CgroupController.MEMORY).resolve(V1Memory.WITH_SWAP)),
                "no accounting for swap");
        try (CgroupRun run = container.begin(memory(24 * MIB))) {
            String limit = file(CgroupController.MEMORY, "memory.limit_in_bytes");
            assertThat(Long.parseLong(limit)).as("with init's own").isBetween(24 * MIB, 28 * MIB);
            assertThat(file(CgroupController.MEMORY, V1Memory.WITH_SWAP)).isEqualTo(limit);
            assertThat(run.end().oomKills()).isZero();
        }
    }

    @Test
    void shouldLeaveInitRoomBetweenRuns() throws Exception {
        need(CgroupController.MEMORY);
        need(CgroupController.PIDS);
        String memoryBefore = file(CgroupController.MEMORY, "memory.limit_in_bytes");

        run(
                new CgroupLimits(
                        OptionalLong.of(24 * MIB),
                        OptionalInt.of(1),
                        OptionalInt.of(500),
                        Optional.empty()),
                ":");

        assertThat(file(CgroupController.MEMORY, "memory.limit_in_bytes")).isEqualTo(memoryBefore);
        if (cgroups.controllers().contains(CgroupController.CPU)) {
            assertThat(file(CgroupController.CPU, "cpu.cfs_quota_us")).isEqualTo("-1");
        }
    }

    @Test
    void shouldTellLimitsThatTheKernelRefusesAndGoOnWithoutThem() throws Exception {
        need(CgroupController.MEMORY);
        try (CgroupRun run = container.begin(memory(1))) {
            run.end();
        } catch (IOException e) { // what init itself needs is more already
            assertThat(e)
                    .hasMessageContaining("memory.limit_in_bytes")
                    .hasMessageContaining("EBUSY");
        }
        assertThat(run(CgroupLimits.NONE, hog(4)).oomKills()).isZero();
    }

    @Test
    void shouldNotTakeTheWantOfMemoryOfOthersForTheRuns() throws Exception {
        need(CgroupController.MEMORY);
        CgroupFile.write(
                cgroups.directory(CgroupController.MEMORY),
                "memory.limit_in_bytes",
                Long.toString(24 * MIB));

        assertThatThrownBy(() -> run(memory(512 * MIB), hog(64)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not because of its limit");
        assertThat(file(CgroupController.MEMORY, "memory.limit_in_bytes"))
                .isNotEqualTo(Long.toString(512 * MIB));
    }

    @Test
    void shouldLimitProcesses() throws Exception {
        need(CgroupController.PIDS);

        CgroupFigures within = run(processes(4), "(" + FOUR_PROCESSES + ")");
        CgroupFigures beyond = run(processes(3), "(" + FOUR_PROCESSES + ")");
        CgroupFigures after = run(processes(4), "(" + FOUR_PROCESSES + ")");

        assertThat(within.processesRefused()).isZero();
        assertThat(beyond.processesRefused()).isPositive();
        assertThat(after.processesRefused()).isZero();
    }

    @Test
    void shouldTellThePeakOfProcessesOnlyWhenItIsThisRuns() throws Exception {
        need(CgroupController.PIDS);
        Skip.when(
                !Files.exists(group(CgroupController.PIDS).resolve("pids.peak")),
                "pids.peak needs Linux 6.1");

        assertThat(run(processes(9), "(sleep 0.2 & wait)").processesPeak()).hasValue(2);
        assertThat(run(processes(9), "sleep 0.01").processesPeak()).isEmpty();
        assertThat(run(processes(9), "(sleep 0.2 & sleep 0.2 & wait)").processesPeak()).hasValue(3);
    }

    @Test
    void shouldSetLimitsAnewOnlyWhenTheyChange() throws Exception {
        need(CgroupController.MEMORY);
        need(CgroupController.PIDS);
        CgroupLimits limits =
                new CgroupLimits(
                        OptionalLong.of(256 * MIB),
                        OptionalInt.of(3),
                        OptionalInt.empty(),
                        Optional.empty());

        run(limits, ":");
        assertThat(file(CgroupController.MEMORY, "memory.limit_in_bytes"))
                .isEqualTo(Long.toString(256 * MIB));
        assertThat(run(limits, "(" + FOUR_PROCESSES + ")").processesRefused()).isPositive();
        assertThat(run(limits, ":").processesRefused()).isZero();
        assertThat(run(memory(512 * MIB), "(" + FOUR_PROCESSES + ")").processesRefused()).isZero();
        assertThat(file(CgroupController.PIDS, "pids.max")).isEqualTo("max");
    }

    @Test
    void shouldLetCpuTimeBeReadDuringTheRun() throws Exception {
        need(CgroupController.CPU_TIME);
        try (CgroupRun run = container.begin(CgroupLimits.NONE)) {
            assertThat(run.countsInit()).isTrue();
            assertThat(run.forkInto()).isEmpty();
            CpuUsage usage = run.cpuUsage().orElseThrow();
            long before = decimal(usage);
            init.run(hog(8));
            assertThat(decimal(usage)).isGreaterThan(before);
            run.end();
        }
    }

    private static long decimal(CpuUsage usage) throws IOException {
        byte[] text = new byte[64];
        int n = usage.file().readAt(0, text);
        String digits =
                new String(text, 0, n, StandardCharsets.US_ASCII)
                        .replaceAll("(?s)^\\D*(\\d+).*", "$1");
        return Long.parseLong(digits) * usage.nanosPerUnit();
    }

    @Test
    void shouldLimitTheRateAndTheCpus() throws Exception {
        need(CgroupController.CPU);
        need(CgroupController.CPUSET);
        String all = file(CgroupController.CPUSET, "cpuset.cpus");
        String first = all.replaceAll("\\D.*", "");
        try (CgroupRun run = container.begin(cpus(250, first))) {
            assertThat(file(CgroupController.CPU, "cpu.cfs_quota_us")).isEqualTo("25000");
            assertThat(init.run("grep Cpus_allowed_list /proc/self/status"))
                    .containsExactly("Cpus_allowed_list:\t" + first);
            run.end();
        }
        run(CgroupLimits.NONE, ":");
        assertThat(file(CgroupController.CPUSET, "cpuset.cpus")).isEqualTo(all);
    }

    @Test
    void shouldRefuseCpusThatTheMachineLacks() {
        need(CgroupController.CPUSET);
        assertThatThrownBy(() -> container.begin(cpus(1000, "40000")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("cpuset.cpus");
    }

    @Test
    void shouldRemoveGroupsWithWhatRunsInThem() throws Exception {
        init.run("sleep 1000 & sleep 1000 &");

        container.remove();

        assertThat(init.process().onExit()).succeedsWithin(DEADLINE);
        for (CgroupController controller : cgroups.controllers()) {
            assertThat(group(controller)).doesNotExist();
        }
        container.remove(); // nothing is left to do
    }

    @Test
    void shouldKeepContainersApart() throws Exception {
        need(CgroupController.MEMORY);
        ContainerCgroup other = cgroups.create("two");
        try (Inhabitant second = Inhabitant.start()) {
            other.admit(second.pid(), LibC.geteuid());
            CgroupRun here = container.begin(memory(24 * MIB));
            CgroupRun there = other.begin(memory(128 * MIB));
            second.run(hog(40));
            init.run(hog(40));
            assertThat(here.end().oomKills()).isEqualTo(1);
            CgroupFigures untouched = there.end();
            assertThat(untouched.oomKills()).isZero();
            assertThat(untouched.memoryPeakBytes().getAsLong()).isGreaterThan(40 * MIB);
        } finally {
            other.remove();
        }
        assertThatThrownBy(() -> cgroups.create("one"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("EEXIST");
    }

    @Test
    void shouldRemoveWhatWorkersLeftThatAreGoneAndNothingElse() throws Exception {
        Path parent = cgroups.directory(cgroups.controllers().iterator().next()).getParent();
        Process worker = new ProcessBuilder("sleep", "1000").start();
        Path living = parent.resolve(WorkerGroup.name(worker.pid(), 1));
        Groups.make(living);
        Process formerWorker = new ProcessBuilder("sleep", "1000").start();
        Path left = parent.resolve(WorkerGroup.name(formerWorker.pid(), 1));
        Groups.make(left);
        Groups.make(left.resolve("container"));
        Process straggler = new ProcessBuilder("sleep", "1000").start();
        if (left.startsWith(Hierarchies.ofThisProcess().v1("memory").directory())) {
            CgroupFile.write(
                    left.resolve("container"), Groups.PROCS, Long.toString(straggler.pid()));
        }
        formerWorker.destroyForcibly().waitFor();

        try (Cgroups next = detect()) {
            assertThat(next.version()).isEqualTo(CgroupVersion.V1);
            assertThat(left).doesNotExist();
            assertThat(living).exists();
            assertThat(cgroups.directory(cgroups.controllers().iterator().next())).exists();
        } finally {
            worker.destroyForcibly().waitFor();
            straggler.destroyForcibly();
            Groups.remove(living);
        }
    }

    @Test
    void shouldLeaveNoDescriptorAndNoDirectory() throws Exception {
        long leaks = Fd.leaks();
        Map<Integer, String> before = OpenDescriptors.own();
        Path directory = cgroups.directory(cgroups.controllers().iterator().next());
        for (int i = 0; i < 20; i++) {
            ContainerCgroup brief = cgroups.create("short-" + i);
            try (CgroupRun run = brief.begin(memory(24 * MIB))) {
                run.end();
            }
            brief.remove();
        }
        await().atMost(DEADLINE)
                .untilAsserted(() -> assertThat(OpenDescriptors.own()).hasSameSizeAs(before));
        assertThat(Groups.children(directory)).containsExactly(directory.resolve("one"));
        System.gc();
        assertThat(Fd.leaks()).isEqualTo(leaks);
    }

    @Test
    void shouldRefuseNamesThatAreNot() {
        for (String name : List.of("", "..", "a/b", "memory.max", "x".repeat(65))) {
            assertThatThrownBy(() -> cgroups.create(name))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }
}
