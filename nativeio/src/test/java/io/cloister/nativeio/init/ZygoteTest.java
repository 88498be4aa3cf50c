// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.PidFd;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.testkit.OpenDescriptors;
import io.cloister.nativeio.testkit.ProcStatus;
import io.cloister.nativeio.testkit.Skip;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The zygote and the inits that it forks, as root; {@link RootlessTest} is for ordinary users. */
@Timeout(60)
class ZygoteTest {
    private static final Duration DEADLINE = Duration.ofSeconds(20);
    private static final IdMap IDS = IdMap.range(700_000_000);
    private static final long SIGCHLD_ONLY = 1L << (Linux.SIGCHLD - 1);

    private Zygote zygote;

    @BeforeEach
    void start() throws Exception {
        Skip.when(LibC.geteuid() != 0, "only root may map a range of ids");
        zygote = Zygote.start();
    }

    @AfterEach
    void stop() throws Exception {
        if (zygote != null) {
            zygote.close();
        }
    }

    @Test
    void shouldForkInitsIntoNamespacesOfTheirOwn() throws Exception {
        Set<String> seen = new HashSet<>();
        try (InitProcess one = zygote.fork(IDS);
                InitProcess two = zygote.fork(IdMap.range(700_100_000))) {
            for (String namespace :
                    new String[] {"user", "pid", "mnt", "net", "ipc", "uts", "cgroup"}) {
                seen.add(namespace(ProcessHandle.current().pid(), namespace));
                seen.add(namespace(one.pid(), namespace));
                seen.add(namespace(two.pid(), namespace));
            }
            assertThat(seen).hasSize(3 * 7);
            assertThat(Programs.getpid(one.channel(), 1)).isEqualTo(1);
            assertThat(Programs.getpid(two.channel(), 1)).isEqualTo(1);
            assertThat(one.ids()).isEqualTo(IDS);
            assertThat(ids(one.pid(), "uid_map")).isEqualTo("0 700000000 65536");
            assertThat(ids(one.pid(), "gid_map")).isEqualTo("0 700000000 65536");
            assertThat(ProcStatus.field(one.pid(), "Name")).isEqualTo("cloister-init");
        }
    }

    @Test
    void shouldLeaveNothingOfTheJvmInItsChildren() throws Exception {
        try (InitProcess init = zygote.fork(IDS)) {
            assertThat(Programs.getpid(init.channel(), 1)).isEqualTo(1);
            for (int pid : new int[] {zygote.pid(), init.pid()}) {
                awaitBareDescriptors(pid);
                assertThat(OpenDescriptors.of(pid).values())
                        .filteredOn(what -> !what.startsWith("socket:"))
                        .containsOnly("/dev/null");
                assertThat(Files.readString(Path.of("/proc/" + pid + "/environ"))).isEmpty();
                assertThat(Files.readSymbolicLink(Path.of("/proc/" + pid + "/cwd")))
                        .isEqualTo(Path.of("/"));
                assertThat(ProcStatus.field(pid, "Threads")).isEqualTo("1");
                assertThat(ProcStatus.field(pid, "Umask")).isEqualTo("0000");
            }
        }
    }

    /** A JVM blocks some signals and ignores others, and a child would inherit both. */
    @Test
    void shouldGiveItsChildrenCleanSignals() throws Exception {
        try (InitProcess init = zygote.fork(IDS)) {
            ProgramResult started =
                    Programs.run(init.channel(), 1, Programs.start("/bin/sleep", "1000"));
            try (PidFd sleep = new PidFd(started.descriptors().get(0))) {
                int pid = sleep.pid().orElseThrow();
                for (long each : new long[] {zygote.pid(), init.pid(), pid}) {
                    assertThat(ProcStatus.signals(each, "SigBlk")).isZero();
                    assertThat(ProcStatus.signals(each, "SigCgt")).isZero();
                }
                assertThat(ProcStatus.signals(zygote.pid(), "SigIgn")).isEqualTo(SIGCHLD_ONLY);
                assertThat(ProcStatus.signals(init.pid(), "SigIgn")).isZero();
                assertThat(ProcStatus.signals(pid, "SigIgn")).isZero();
            }
        }
    }

    @Test
    void shouldEndAContainerWithItsSocket() throws Exception {
        InitProcess init = zygote.fork(IDS);
        ProgramResult started =
                Programs.run(init.channel(), 1, Programs.start("/bin/sleep", "1000"));
        try (PidFd sleep = new PidFd(started.descriptors().get(0))) {
            assertThat(sleep.hasExited()).isFalse();

            init.channel().close();

            assertThat(init.awaitExit(DEADLINE)).isTrue();
            assertThat(sleep.awaitExit(DEADLINE)).isTrue();
        } finally {
            init.close();
        }
        assertReaped(init.pid());
    }

    @Test
    void shouldKillAnInitWithAllThatItStarted() throws Exception {
        InitProcess init = zygote.fork(IDS);
        ProgramResult started =
                Programs.run(init.channel(), 1, Programs.start("/bin/sleep", "1000"));
        try (PidFd sleep = new PidFd(started.descriptors().get(0))) {
            init.kill();

            assertThat(init.awaitExit(DEADLINE)).isTrue();
            assertThat(sleep.hasExited()).isTrue();
            assertThatThrownBy(() -> Programs.getpid(init.channel(), 2))
                    .isInstanceOf(IOException.class);
            init.kill(); // a late one is harmless
        } finally {
            init.close();
        }
    }

    @Test
    void shouldKillAnInitThatIsStopped() throws Exception {
        InitProcess init = zygote.fork(IDS);
        init.pidfd().signal(Linux.SIGSTOP);
        await().atMost(DEADLINE).until(() -> ProcStatus.field(init.pid(), "State").startsWith("T"));

        assertThat(init.awaitExit(Duration.ZERO)).isFalse();
        init.kill();

        assertThat(init.awaitExit(DEADLINE)).isTrue();
        init.close();
    }

    @Test
    void shouldThrowOnceItHasDied() throws Exception {
        try (InitProcess before = zygote.fork(IDS)) {
            assertThat(zygote.isAlive()).isTrue();
            LibC.kill(zygote.pid(), Linux.SIGKILL);

            await().atMost(DEADLINE).until(() -> !zygote.isAlive());
            assertThatThrownBy(() -> zygote.fork(IDS)).isInstanceOf(IOException.class);
            assertThatThrownBy(() -> zygote.fork(IDS)).isInstanceOf(IOException.class);
            assertThat(Programs.getpid(before.channel(), 1)).isEqualTo(1); // not its affair
        }
    }

    @Test
    void shouldBeKilledWhenItDoesNotAnswer() throws Exception {
        LibC.kill(zygote.pid(), Linux.SIGSTOP);

        assertThatThrownBy(() -> zygote.fork(IDS)).isInstanceOf(IOException.class);

        assertThat(zygote.isAlive()).isFalse();
    }

    @Test
    void shouldTellWhyNamespacesAreRefused() throws Exception {
        assertThat(zygote.tryNamespaces("all", Zygote.NAMESPACES)).isEmpty();
        // clone(2): a new mount namespace may not share the root with others
        long impossible = Linux.CLONE_NEWNS | Linux.constant("CLONE_FILES") | 0x200;

        assertThat(zygote.tryNamespaces("mount", impossible))
                .hasValueSatisfying(failure ->
                        assertThat(failure.message())
                                .isEqualTo("create mount: clone3: EINVAL (Invalid argument)"));
        assertThat(zygote.tryNamespaces("all", Zygote.NAMESPACES)).isEmpty();
    }

    @Test
    void shouldLetContainersOutliveIt() throws Exception {
        InitProcess init = zygote.fork(IDS);
        int pid = zygote.pid();

        zygote.close();

        assertThat(Path.of("/proc/" + pid)).doesNotExist();
        assertThat(Programs.getpid(init.channel(), 1)).isEqualTo(1);
        init.close();
        assertThat(init.pidfd().fd().isOpen()).isFalse();
    }

    @Test
    void shouldCloseTwiceWithoutHarm() throws Exception {
        InitProcess init = zygote.fork(IDS);
        init.close();
        init.close();
        zygote.close();
        zygote.close();
        assertThatThrownBy(() -> zygote.fork(IDS)).isInstanceOf(IOException.class);
    }

    @Test
    void shouldLeakNoDescriptorAndLeaveNoZombie() throws Exception {
        long leaks = Fd.leaks();
        zygote.fork(IDS).close();
        Map<Integer, String> before = OpenDescriptors.own();
        for (int i = 0; i < 20; i++) {
            try (Zygote another = Zygote.start();
                    InitProcess init = another.fork(IDS)) {
                assertThat(Programs.getpid(init.channel(), 1)).isEqualTo(1);
            }
            InitProcess init = zygote.fork(IDS);
            ProgramResult started =
                    Programs.run(init.channel(), 1, Programs.start("/bin/sleep", "1000"));
            started.closeDescriptors();
            init.close();
            int pid = init.pid();
            await().atMost(DEADLINE).until(() -> !Files.exists(Path.of("/proc/" + pid)));
        }

        assertThat(OpenDescriptors.own()).hasSameSizeAs(before);
        await().atMost(DEADLINE).until(() -> children(zygote.pid()).isEmpty());
        awaitBareDescriptors(zygote.pid());
        System.gc();
        assertThat(Fd.leaks()).isEqualTo(leaks);
    }

    @Test
    void shouldForkFromManyThreads() throws Exception {
        try (var threads = Executors.newFixedThreadPool(4)) {
            Set<Integer> pids = ConcurrentHashMap.newKeySet();
            Callable<Void> forks =
                    () -> {
                        for (int i = 0; i < 10; i++) {
                            try (InitProcess init = zygote.fork(IDS)) {
                                assertThat(Programs.getpid(init.channel(), 1)).isEqualTo(1);
                                pids.add(init.pid());
                            }
                        }
                        return null;
                    };
            for (var done : threads.invokeAll(List.of(forks, forks, forks, forks))) {
                done.get();
            }
            assertThat(pids).hasSize(40);
        }
    }

    /** Descriptors are closed after the reply: one may look too early. */
    private static void awaitBareDescriptors(int pid) {
        await().atMost(DEADLINE)
                .untilAsserted(
                        () -> assertThat(OpenDescriptors.of(pid)).containsOnlyKeys(0, 1, 2, 3));
    }

    private static void assertReaped(int pid) {
        await().atMost(DEADLINE).until(() -> !Files.exists(Path.of("/proc/" + pid)));
    }

    private static String children(int pid) throws IOException {
        return Files.readString(Path.of("/proc/" + pid + "/task/" + pid + "/children")).trim();
    }

    private static String namespace(long pid, String name) throws IOException {
        return Files.readSymbolicLink(Path.of("/proc/" + pid + "/ns/" + name)).toString();
    }

    private static String ids(int pid, String map) throws IOException {
        return Files.readString(Path.of("/proc/" + pid + "/" + map)).trim().replaceAll(" +", " ");
    }
}
