// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import static io.cloister.nativeio.cgroup.TestLimits.FOUR_PROCESSES;
import static io.cloister.nativeio.cgroup.TestLimits.MIB;
import static io.cloister.nativeio.cgroup.TestLimits.busy;
import static io.cloister.nativeio.cgroup.TestLimits.cpus;
import static io.cloister.nativeio.cgroup.TestLimits.hog;
import static io.cloister.nativeio.cgroup.TestLimits.memory;
import static io.cloister.nativeio.cgroup.TestLimits.processes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.cloister.nativeio.cgroup.CgroupSettings.Mode;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.PidFd;
import io.cloister.nativeio.init.IdMap;
import io.cloister.nativeio.init.InitProcess;
import io.cloister.nativeio.init.Zygote;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.SyscallProgram;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Version 2 on the real kernel, where it has the controllers there. */
@Tag("cgroup")
@Timeout(300)
class V2CgroupsTest {
    private static final Duration DEADLINE = Duration.ofSeconds(60);

    private static final IdMap IDS = IdMap.range(700_000_000);

    private V2Cgroups cgroups;
    private ContainerCgroup container;
    private Inhabitant init;

    @BeforeAll
    static void need() {
        try (V2Cgroups some = detect(Optional.empty())) {
            assertThat(some.version()).isEqualTo(CgroupVersion.V2);
        } catch (IOException e) {
            Skip.when(true, "no cgroup v2: " + e.getMessage());
        }
    }

    @BeforeEach
    void create() throws Exception {
        cgroups = detect(Optional.empty());
        container = cgroups.create("one");
        init = Inhabitant.start();
        CgroupFile.write(group("init"), Groups.PROCS, Integer.toString(init.pid()));
        container.admit(init.pid(), LibC.geteuid());
    }

    private static V2Cgroups detect(Optional<Path> root) throws IOException {
        return (V2Cgroups) Cgroups.detect(new CgroupSettings(Mode.V2, root));
    }

    @AfterEach
    void remove() throws Exception {
        init.close();
        container.remove();
        cgroups.close();
    }

    private Path group(String name) {
        return cgroups.directory().resolve("one").resolve(name);
    }

    private static String file(CgroupRun run, String name) throws IOException {
        return CgroupFile.read(((V2Run) run).group(), name).strip();
    }

    /** As a child of init's that is born in the run's group. */
    private List<String> inside(CgroupRun run, String line) throws IOException {
        return init.run("(echo 0 > %s/cgroup.procs; %s)".formatted(((V2Run) run).group(), line));
    }

    private CgroupFigures run(CgroupLimits limits, String line) throws IOException {
        try (CgroupRun run = container.begin(limits)) {
            inside(run, line);
            return run.end();
        }
    }

    private void need(CgroupController controller) {
        Skip.when(
                !cgroups.controllers().contains(controller),
                "no cgroup v2 " + controller + ": " + cgroups.whyNot(controller));
    }

    @Test
    void shouldMeasureMemoryOfEachRunAlone() throws Exception {
        need(CgroupController.MEMORY);

        CgroupFigures large = run(memory(128 * MIB), hog(40));
        CgroupFigures small = run(memory(128 * MIB), hog(4));

        assertThat(large.oomKills()).isZero();
        assertThat(small.oomKills()).isZero();
        Skip.when(large.memoryPeakBytes().isEmpty(), "memory.peak needs Linux 5.19");
        assertThat(large.memorySource()).isEqualTo("cgroup-v2 memory.peak");
        assertThat(large.memoryPeakBytes().getAsLong()).isBetween(40 * MIB, 60 * MIB);
        assertThat(small.memoryPeakBytes().getAsLong()).isBetween(4 * MIB, 24 * MIB);
    }

    @Test
    void shouldKillAtTheMemoryLimitAndCountIt() throws Exception {
        need(CgroupController.MEMORY);

        CgroupFigures killed = run(memory(24 * MIB), hog(64));
        CgroupFigures after = run(memory(128 * MIB), hog(64));

        assertThat(killed.oomKills()).isPositive();
        assertThat(after.oomKills()).isZero();
        assertThat(init.isAlive()).isTrue();
    }

    @Test
    void shouldBoundSwapAndKillARunAsAWhole() throws Exception {
        need(CgroupController.MEMORY);
        try (CgroupRun run = container.begin(memory(24 * MIB))) {
            assertThat(file(run, "memory.max")).isEqualTo(Long.toString(24 * MIB));
            assertThat(file(run, "memory.oom.group")).isEqualTo("1");
            if (Files.exists(((V2Run) run).group().resolve("memory.swap.max"))) {
                assertThat(file(run, "memory.swap.max")).isEqualTo("0");
            }
        }
    }

    @Test
    void shouldNotTakeTheWantOfMemoryOfOthersForTheRuns() throws Exception {
        need(CgroupController.MEMORY);
        CgroupFile.write(cgroups.directory(), "memory.max", Long.toString(24 * MIB));

        assertThatThrownBy(() -> run(memory(512 * MIB), hog(64)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("not because of its limit");
    }

    @Test
    void shouldLimitProcesses() throws Exception {
        need(CgroupController.PIDS);

        CgroupFigures within = run(processes(4), FOUR_PROCESSES);
        CgroupFigures beyond = run(processes(3), FOUR_PROCESSES);

        assertThat(within.processesRefused()).isZero();
        assertThat(beyond.processesRefused()).isPositive();
    }

    @Test
    void shouldTellThePeakOfProcessesOfEachRun() throws Exception {
        need(CgroupController.PIDS);
        CgroupFigures two = run(processes(9), "sleep 0.2 & wait");
        Skip.when(two.processesPeak().isEmpty(), "pids.peak needs Linux 6.1");

        assertThat(two.processesPeak()).hasValue(2);
        assertThat(run(processes(9), ":").processesPeak()).hasValue(1);
    }

    @Test
    void shouldLetCpuTimeBeReadDuringTheRun() throws Exception {
        try (CgroupRun run = container.begin(CgroupLimits.NONE)) {
            assertThat(run.countsInit()).isFalse();
            CpuUsage usage = run.cpuUsage().orElseThrow();
            assertThat(text(usage)).startsWith("usage_usec 0\n");
            inside(run, busy());
            assertThat(text(usage)).startsWith("usage_usec ").doesNotStartWith("usage_usec 0\n");
            assertThat(usage.nanosPerUnit()).isEqualTo(1000);
        }
    }

    private static String text(CpuUsage usage) throws IOException {
        byte[] text = new byte[64];
        int n = usage.file().readAt(0, text);
        return new String(text, 0, n, StandardCharsets.US_ASCII);
    }

    @Test
    void shouldLimitTheRateAndTheCpus() throws Exception {
        need(CgroupController.CPU);
        need(CgroupController.CPUSET);
        String first =
                CgroupFile.read(cgroups.directory(), "cpuset.cpus.effective")
                        .strip()
                        .replaceAll("\\D.*", "");
        try (CgroupRun run = container.begin(cpus(250, first))) {
            assertThat(file(run, "cpu.max")).isEqualTo("25000 100000");
            assertThat(inside(run, "grep Cpus_allowed_list /proc/self/status"))
                    .containsExactly("Cpus_allowed_list:\t" + first);
        }
    }

    @Test
    void shouldTellALimitThatTheKernelRefusesAndLeaveNoGroup() throws Exception {
        need(CgroupController.CPUSET);
        assertThatThrownBy(() -> container.begin(cpus(1000, "99999-1")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("cpuset.cpus");
        assertThat(Groups.children(group("."))).hasSize(1);
    }

    @Test
    void shouldLetInitForkIntoItsGroups() throws Exception {
        Skip.when(LibC.geteuid() != 0, "only root may give files to others");
        container.admit(init.pid(), 700_000_000);
        try (CgroupRun run = container.begin(CgroupLimits.NONE)) {
            assertThat(owner(group(".").normalize())).isEqualTo("700000000");
            assertThat(owner(((V2Run) run).group())).isEqualTo("700000000");
            assertThat(owner(group("init"))).isEqualTo("0");
            assertThat(run.forkInto()).isPresent();
        }
        assertThat(container.initGroup()).isPresent();
    }

    private static String owner(Path group) throws IOException {
        Object uid = Files.getAttribute(group.resolve(Groups.PROCS), "unix:uid");
        return String.valueOf(uid);
    }

    /** As programs are: from another user namespace, and whether or not nsdelegate is set. */
    @Test
    void shouldHaveProgramsBornInTheirGroups() throws Exception {
        Skip.when(LibC.geteuid() != 0, "only root may map a range of ids");
        ContainerCgroup other = cgroups.create("two");
        try (Zygote zygote = Zygote.start();
                InitProcess child = zygote.fork(IDS, other.initGroup())) {
            other.admit(child.pid(), IDS.hostUid());
            try (CgroupRun run = other.begin(processes(1))) {
                Path leaf = ((V2Run) run).group();
                ProgramResult result = startIn(child, run);

                assertThat(result.descriptors()).hasSize(1);
                try (PidFd program = new PidFd(result.descriptors().get(0))) {
                    assertThat(Groups.processes(leaf)).containsExactly(program.pid().orElseThrow());
                    program.signal(Linux.SIGKILL);
                    assertThat(program.awaitExit(DEADLINE)).isTrue();
                }
                assertThat(Groups.processes(leaf.resolveSibling("init")))
                        .containsExactly(child.pid());
                assertThat(run.end().processesRefused()).isZero();
            }
        } finally {
            other.remove();
        }
    }

    private static ProgramResult startIn(InitProcess init, CgroupRun run) throws IOException {
        SyscallProgram.Builder b = SyscallProgram.named("start in a group");
        Data pidfd = b.reserve(Long.BYTES);
        b.call("become", "root", Sys.SETRESUID, Arg.ZERO, Arg.ZERO, Arg.ZERO); // of its namespace
        Arg group = b.descriptor(run.forkInto().orElseThrow());
        b.fork(
                "fork",
                "a child",
                Integer.toUnsignedLong(Linux.CLONE_PIDFD) | Linux.CLONE_INTO_CGROUP,
                Linux.SIGCHLD,
                pidfd.address(),
                group,
                () -> b.call("wait", "", Sys.PPOLL, Arg.ZERO, Arg.ZERO, Arg.ZERO, Arg.ZERO));
        b.replyWithDescriptor(pidfd, pidfd);
        SyscallProgram program = b.build();
        init.channel().send(1, program);
        ProgramResult result = init.channel().receive();
        assertThat(result.failure(program)).isEmpty();
        return result;
    }

    @Test
    void shouldRemoveTheGroupOfARun() throws Exception {
        CgroupRun run = container.begin(CgroupLimits.NONE);
        inside(run, "sleep 1000 &");

        run.close();

        await().atMost(DEADLINE).until(() -> !Files.exists(((V2Run) run).group()));
        assertThat(init.isAlive()).isTrue();
    }

    @Test
    void shouldRemoveGroupsWithWhatRunsInThem() throws Exception {
        try (CgroupRun run = container.begin(CgroupLimits.NONE)) {
            inside(run, "sleep 1000 &");

            container.remove();
        }
        assertThat(init.process().onExit()).succeedsWithin(DEADLINE);
        assertThat(cgroups.directory().resolve("one")).doesNotExist();
        container.remove(); // nothing is left to do
    }

    @Test
    void shouldMoveTheWorkersProcessesAsideAndFindThemThere() throws Exception {
        Path base = cgroups.directory().getParent().resolve("cloister-test-base");
        Groups.make(base);
        Process worker = new ProcessBuilder("sleep", "1000").start();
        try {
            CgroupFile.write(base, Groups.PROCS, Long.toString(worker.pid()));
            try (V2Cgroups own = detect(Optional.of(base))) {
                assertThat(own.controllers()).isEqualTo(cgroups.controllers());
                assertThat(own.describe()).contains(base.toString());
                Path aside = base.resolve("cloister-worker");
                assertThat(Groups.processes(aside)).containsExactly((int) worker.pid());
                assertThat(V2Cgroups.baseOf(aside)).isEqualTo(base);
                ContainerCgroup there = own.create("one");
                there.begin(memory(24 * MIB)).close();
                there.remove();
                try (V2Cgroups another = detect(Optional.of(base))) {
                    assertThat(another.directory()).isNotEqualTo(own.directory());
                }
            }
        } finally {
            worker.destroyForcibly().waitFor();
            Groups.remove(base);
        }
    }

    @Test
    void shouldSayThatControllersMustBeDelegated() throws Exception {
        Path base = cgroups.directory().getParent().resolve("cloister-test-base");
        Path inner = base.resolve("inner");
        Groups.make(base);
        Groups.make(inner);
        try {
            assertThatThrownBy(() -> detect(Optional.of(inner)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("has no controllers")
                    .hasMessageContaining("Delegate=yes");
            assertThatThrownBy(() -> detect(Optional.of(Path.of("/proc"))))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("/proc is not a directory of cgroup v2");
        } finally {
            Groups.remove(base);
        }
    }

    @Test
    void shouldRemoveWhatWorkersLeftThatAreGoneAndNothingElse() throws Exception {
        Path parent = cgroups.directory().getParent();
        Process formerWorker = new ProcessBuilder("sleep", "1000").start();
        Path left = parent.resolve(WorkerGroup.name(formerWorker.pid(), 1));
        Groups.make(left);
        Groups.make(left.resolve("container"));
        Process straggler = new ProcessBuilder("sleep", "1000").start();
        CgroupFile.write(left.resolve("container"), Groups.PROCS, Long.toString(straggler.pid()));
        formerWorker.destroyForcibly().waitFor();

        try (V2Cgroups next = detect(Optional.empty())) {
            assertThat(left).doesNotExist();
            assertThat(straggler.onExit()).succeedsWithin(DEADLINE);
            assertThat(cgroups.directory()).exists();
            assertThat(next.directory()).exists();
        }
    }

    @Test
    void shouldLeaveNoDescriptorAndNoDirectory() throws Exception {
        long leaks = Fd.leaks();
        Map<Integer, String> before = OpenDescriptors.own();
        for (int i = 0; i < 10; i++) {
            ContainerCgroup brief = cgroups.create("brief-" + i);
            try (CgroupRun run = brief.begin(memory(24 * MIB))) {
                run.end();
            }
            brief.remove();
        }
        await().atMost(DEADLINE)
                .untilAsserted(() -> assertThat(OpenDescriptors.own()).hasSameSizeAs(before));
        assertThat(Groups.children(cgroups.directory()))
                .containsExactly(cgroups.directory().resolve("one"));
        System.gc();
        assertThat(Fd.leaks()).isEqualTo(leaks);
    }
}
