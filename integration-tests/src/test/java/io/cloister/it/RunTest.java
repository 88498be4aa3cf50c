// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.actor.typed.javadsl.Behaviors;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.fd.Terminals;
import io.cloister.protocol.container.Credential;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Seccomp;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Resource;
import io.cloister.protocol.run.Rlimit;
import io.cloister.protocol.run.Rlimits;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.handler.ExecveDescriptors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The execve command: a program's rights and limits, its start, its end, and what is left. */
@Tag("cgroup")
class RunTest extends WorkerTest {
    private static final Duration LONG = Duration.ofSeconds(100);

    RunTest() {
        super("cloister.container { deadline = 2s, queue = 4 }");
    }

    private static Execve.Builder sleep() {
        return Execve.of("/bin/sleep", "1000").wallTime(LONG);
    }

    private static void assertUsable(Leased container) {
        assertThat(container.shell("cd /proc; echo [0-9]*")).matches("1 [0-9]+\n");
        container.run("/bin/true").assertExit(0);
    }

    // ---- the end ----------------------------------------------------------------------------

    @Test
    void shouldTellExitCodesAndSignals() {
        try (Leased container = acquire()) {
            container.run("/bin/sh", "-c", "exit 255").assertExit(255);
            container.run("/bin/sh", "-c", "exit 137").assertExit(137);
            for (String signal : new String[] {"KILL", "TERM", "SEGV", "INT", "QUIT", "HUP"}) {
                Ran ran = container.run("/bin/sh", "-c", "kill -" + signal + " $$");
                ran.assertSignal("SIG" + signal);
                assertThat(ran.result().limit()).isEmpty();
                assertThat(ran.result().killed()).isFalse();
            }
        }
    }

    @Test
    void shouldMeasureWhatWasUsed() {
        try (Leased container = acquire()) {
            ExecveResult result =
                    container
                            .python(
                                    "import os, time\nt = 0\nx = bytearray(50_000_000)\n"
                                            + "while time.process_time() < 0.2: pass")
                            .assertExit(0)
                            .result();
            assertThat(result.usage().cpuTime()).isGreaterThan(Duration.ofMillis(150));
            assertThat(result.usage().maxResidentSet().bytes()).isGreaterThan(50_000_000);
            assertThat(result.wallTime()).isGreaterThanOrEqualTo(Duration.ofMillis(150));
            assertThat(result.setUpTime()).isPositive();
            ExecveResult small = container.run("/bin/true").assertExit(0).result();
            assertThat(small.usage().maxResidentSet().bytes()).isLessThan(10_000_000);
        }
    }

    @Test
    void shouldEndARunAtItsWallTimeLimit() {
        try (Leased container = acquire()) {
            Ran ran = container.run(sleep().wallTime(Duration.ofMillis(200)));
            ran.assertSignal("SIGKILL");
            assertThat(ran.result().limit()).contains(Limit.WALL_TIME);
            assertThat(ran.result().wallTime()).isGreaterThanOrEqualTo(Duration.ofMillis(200));
            assertThat(ran.result().killed()).isFalse();
            assertUsable(container);
        }
    }

    @Test
    void shouldKillARunThatIsAskedTo() {
        try (Leased container = acquire()) {
            CompletionStage<ExecveReply> reply =
                    container.executeLater(sleep().build(), ExecveDescriptors.none());
            container.tell(new Container.Kill());
            ExecveResult result = (ExecveResult) Worker.await(reply);
            assertThat(result.killed()).isTrue();
            assertThat(result.limit()).isEmpty();
            assertThat(result.termination())
                    .isInstanceOfSatisfying(
                            Termination.Signalled.class,
                            signalled -> assertThat(signalled.signalName()).isEqualTo("SIGKILL"));
            assertUsable(container);
        }
    }

    @Test
    void shouldNotMindKillsThatComeLateOrTwice() {
        try (Leased container = acquire()) {
            for (int i = 0; i < 20; i++) {
                CompletionStage<ExecveReply> reply =
                        container.executeLater(
                                Execve.of("/bin/true").build(), ExecveDescriptors.none());
                container.tell(new Container.Kill());
                container.tell(new Container.Kill());
                assertThat(Worker.await(reply)).isInstanceOf(ExecveResult.class);
                container.tell(new Container.Kill());
                container.tell(new Container.Proceed());
                container.run("/bin/sh", "-c", "exit 3").assertExit(3);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "sleep 1000 & sleep 1000 &", // children
                "setsid sleep 1000 & setsid sh -c 'sleep 1000 & sleep 1000' &", // daemons
                "sleep 1000 & kill -STOP $!", // stopped
                "trap '' TERM HUP INT; (trap '' TERM HUP INT; sleep 1000) &", // deaf
                "for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; kill -KILL $$"
            })
    void shouldLeaveNoProcessOfARun(String script) {
        try (Leased container = acquire()) {
            ExecveReply reply =
                    container.run(Execve.of("/bin/sh", "-c", script).wallTime(LONG)).reply();
            assertThat(reply).isInstanceOf(ExecveResult.class);
            assertUsable(container);
        }
    }

    @Test
    void shouldEndATracedProcessAndItsTracer() {
        try (Leased container = acquire()) {
            Ran ran =
                    container.run(
                            Execve.of(
                                            "python3",
                                            "-IS",
                                            "-c",
                                            """
                                            import ctypes, os, signal, time
                                            c = ctypes.CDLL(None)
                                            child = os.fork()
                                            if child == 0:
                                                c.ptrace(0, 0, 0, 0)
                                                os.kill(os.getpid(), signal.SIGSTOP)
                                                time.sleep(1000)
                                            os.waitpid(child, os.WUNTRACED)
                                            if os.fork() == 0:
                                                time.sleep(1000)
                                            """)
                                    .seccomp(Seccomp.NONE)
                                    .wallTime(LONG));
            ran.assertExit(0);
            assertUsable(container);
        }
    }

    // ---- rights -----------------------------------------------------------------------------

    @Test
    void shouldRunAsTheGivenUserInASessionOfItsOwn() {
        try (Leased container = acquire()) {
            Ran ran =
                    container.run(
                            Execve.of(
                                            "/bin/sh",
                                            "-c",
                                            "id -u; id -g; id -G; cut -d' ' -f5-6 /proc/$$/stat")
                                    .credential(new Credential(4321, 8765)));
            assertThat(ran.assertExit(0).stdout()).startsWith("4321\n8765\n8765\n");
            container
                    .python("import os; assert os.getsid(0) == os.getpid() == os.getpgid(0)")
                    .assertExit(0);
        }
    }

    @Test
    void shouldFilterSystemCallsByProfile() {
        String unshare = "import ctypes; import sys; sys.exit(ctypes.CDLL(None).unshare(0) != 0)";
        try (Leased container = acquire()) {
            container.python(unshare).assertExit(1);
            container
                    .run(Execve.of("python3", "-IS", "-c", unshare).seccomp(Seccomp.NONE))
                    .assertExit(0);
            assertThat(container.shell("grep Seccomp: /proc/self/status")).contains("2");
            Failure failure =
                    container
                            .run(Execve.of("/bin/true").seccomp(new Seccomp("unknown")))
                            .assertFailure(Failure.Kind.INVALID_REQUEST);
            assertThat(failure.describe()).contains("unknown");
            assertUsable(container);
        }
    }

    @Test
    void shouldMakeATerminalTheControllingOne() throws IOException {
        try (Leased container = acquire();
                Fd master = Terminals.open()) {
            Fd slave = Terminals.slave(master, 24, 80);
            Ran ran =
                    container.run(
                            Execve.of(
                                            "python3",
                                            "-IS",
                                            "-c",
                                            "import os; assert os.tcgetpgrp(5) == os.getpid();"
                                                    + " assert os.isatty(5) and not os.isatty(0)")
                                    .controllingTerminal(5),
                            Map.of(5, slave));
            ran.assertExit(0);
            Ran none =
                    container.run(
                            Execve.of("/bin/true").controllingTerminal(5),
                            Map.of(5, MemFd.sealed("x", new byte[0])));
            assertThat(none.failure().describe()).contains("terminal", "ENOTTY");
            assertUsable(container);
        }
    }

    // ---- limits -----------------------------------------------------------------------------

    private static Ran limited(Leased container, Rlimits limits, String... argv) {
        return container.run(Execve.of(argv).rlimits(limits));
    }

    @ParameterizedTest
    @CsvSource({
        "RLIMIT_CPU, 0, 100, 200",
        "RLIMIT_FSIZE, 1, 10000, 20000",
        "RLIMIT_DATA, 2, 1000000000, 2000000000",
        "RLIMIT_STACK, 3, 4194304, 8388608",
        "RLIMIT_CORE, 4, 0, 0",
        "RLIMIT_NPROC, 6, 50, 60",
        "RLIMIT_NOFILE, 7, 64, 128",
        "RLIMIT_MEMLOCK, 8, 4096, 8192",
        "RLIMIT_AS, 9, 1000000000, -1",
        "RLIMIT_SIGPENDING, 11, 20, 30",
        "RLIMIT_MSGQUEUE, 12, 1000, 2000",
        "RLIMIT_NICE, 13, 0, 0",
        "RLIMIT_RTPRIO, 14, 0, 0",
        "RLIMIT_RTTIME, 15, 100000, 200000"
    })
    void shouldSetEveryLimit(Resource resource, int number, long soft, long hard) {
        try (Leased container = acquire()) {
            Ran ran =
                    limited(
                            container,
                            Rlimits.builder().limit(new Rlimit(resource, soft, hard)).build(),
                            "python3",
                            "-IS",
                            "-c",
                            "import resource; print(*resource.getrlimit(%d))".formatted(number));
            assertThat(ran.assertExit(0).stdout().trim()).isEqualTo(soft + " " + hard);
        }
    }

    @Test
    void shouldEnforceLimits() {
        try (Leased container = acquire()) {
            Ran cpu =
                    limited(
                            container,
                            Rlimits.builder().cpuTime(Duration.ofSeconds(1)).build(),
                            "/bin/sh",
                            "-c",
                            "while :; do :; done");
            cpu.assertSignal("SIGXCPU");
            assertThat(cpu.result().limit()).isEmpty(); // a signal proves nothing
            Ran size =
                    limited(
                            container,
                            Rlimits.builder().fileSize(ByteSize.ofKiB(4)).build(),
                            "/bin/sh",
                            "-c",
                            "exec head -c 5000 /dev/zero > /w/f");
            size.assertSignal("SIGXFSZ");
            limited(
                            container,
                            Rlimits.builder().addressSpace(ByteSize.ofMiB(200)).build(),
                            "python3",
                            "-IS",
                            "-c",
                            "try: x = bytearray(300_000_000)\n"
                                    + "except MemoryError: raise SystemExit(9)")
                    .assertExit(9);
            assertThat(container.shell("ulimit -c; ulimit -t")).isEqualTo("0\nunlimited\n");
        }
    }

    // ---- the announced start ----------------------------------------------------------------

    private record Announced(CompletionStage<ExecveReply> reply, Container.Started started)
            implements AutoCloseable {
        @Override
        public void close() {
            started.pidfd().close();
        }
    }

    private Announced announced(Leased container, Execve.Builder request) {
        TestProbe<Container.Started> probe = worker().probe(Container.Started.class);
        CompletionStage<ExecveReply> reply =
                container.executeAnnounced(
                        request.announceStart(true).build(),
                        ExecveDescriptors.none(),
                        probe.getRef());
        Container.Started started = probe.receiveMessage(Worker.PATIENCE);
        probe.stop();
        return new Announced(reply, started);
    }

    @Test
    void shouldWaitForLeaveBeforeTheFirstInstruction() throws IOException {
        try (Leased container = acquire();
                Announced run =
                        announced(container, Execve.of("/bin/sh", "-c", "echo > /w/ran; exit 4"))) {
            int pid = run.started().pid();
            assertThat(run.started().container()).isEqualTo(container.container());
            assertThat(run.started().pidfd().pid()).hasValue(pid);
            Path program = Files.readSymbolicLink(Path.of("/proc/" + pid + "/exe"));
            assertThat(program.toString()).doesNotContain("/bin/");
            container.tell(new Container.Proceed());
            assertThat(Worker.await(run.reply()))
                    .isInstanceOfSatisfying(
                            ExecveResult.class,
                            result ->
                                    assertThat(result.termination())
                                            .isEqualTo(new Termination.Exited(4)));
            assertThat(container.readText("/w/ran")).isEqualTo("\n");
        }
    }

    @Test
    void shouldTellWhenTheCallerRefusesTheStart() {
        try (Leased container = acquire()) {
            try (Announced run =
                    announced(container, Execve.of("/bin/sh", "-c", "echo > /w/ran"))) {
                container.tell(new Container.Kill());
                assertRefused(run.reply());
            }
            assertThat(container.shell("ls -A /w")).isEmpty();
            assertUsable(container);
        }
    }

    @Test
    void shouldRefuseARunThatIsKilledBeforeItsStartIsAnnounced() {
        // on a slow machine the announcement comes before the kill, and its descriptor is ours
        ActorRef<Container.Started> listener =
                worker().kit()
                        .spawn(
                                Behaviors.receiveMessage(started -> {
                                    started.pidfd().close();
                                    return Behaviors.same();
                                }));
        try (Leased container = acquire()) {
            CompletionStage<ExecveReply> reply =
                    container.executeAnnounced(
                            sleep().announceStart(true).build(),
                            ExecveDescriptors.none(),
                            listener);
            container.tell(new Container.Kill());
            assertRefused(reply);
            assertUsable(container);
        } finally {
            worker().kit().stop(listener);
        }
    }

    @Test
    void shouldRefuseTheStartWhenNobodyAnswers() {
        try (Leased container = acquire();
                Announced run = announced(container, Execve.of("/bin/true"))) {
            assertRefused(run.reply());
            assertUsable(container);
        }
    }

    @Test
    void shouldKillARunThatWasLetStart() {
        try (Leased container = acquire();
                Announced run = announced(container, sleep())) {
            container.tell(new Container.Proceed());
            container.tell(new Container.Proceed());
            container.tell(new Container.Kill());
            assertThat(Worker.await(run.reply())).isNotNull();
            assertUsable(container);
        }
    }

    @Test
    void shouldMeasureTheWallTimeFromTheStartThoughInitIsLateToGoOn() {
        try (Leased container = acquire();
                Announced run = announced(container, Execve.of("/bin/sleep", "0.3"))) {
            int pid = run.started().pid();
            int init = Processes.parent(pid);
            Processes.signal(init, Processes.SIGSTOP); // takes hold when the program has started
            container.tell(new Container.Proceed());
            Waiting.until(() -> assertThat(Processes.status(pid, "State")).startsWith("Z"));
            Processes.signal(init, Processes.SIGCONT);
            assertThat(Worker.await(run.reply()))
                    .isInstanceOfSatisfying(
                            ExecveResult.class,
                            result ->
                                    assertThat(result.wallTime())
                                            .isGreaterThanOrEqualTo(Duration.ofMillis(300)));
        }
    }

    @Test
    void shouldTellWhyAnAnnouncedProgramCouldNotStart() {
        try (Leased container = acquire();
                Announced run = announced(container, Execve.of("/no/such/program"))) {
            container.tell(new Container.Proceed());
            assertThat(Worker.await(run.reply()))
                    .isInstanceOfSatisfying(
                            Failure.class,
                            failure ->
                                    assertThat(failure.kind()).isEqualTo(Failure.Kind.NOT_FOUND));
            assertUsable(container);
        }
    }

    @Test
    void shouldRefuseAnAnnouncementThatNobodyWantsToHear() {
        try (Leased container = acquire()) {
            ExecveReply reply =
                    container.execute(
                            Execve.of("/bin/true").announceStart(true).build(),
                            ExecveDescriptors.none());
            assertThat(reply)
                    .isInstanceOfSatisfying(
                            Failure.class,
                            failure ->
                                    assertThat(failure.kind())
                                            .isEqualTo(Failure.Kind.INVALID_REQUEST));
        }
    }

    private static void assertRefused(CompletionStage<ExecveReply> reply) {
        assertThat(Worker.await(reply))
                .isInstanceOfSatisfying(
                        Failure.class,
                        failure -> assertThat(failure.kind()).isEqualTo(Failure.Kind.REFUSED));
    }

    // ---- the queue --------------------------------------------------------------------------

    @Test
    void shouldAnswerBusyWhenTooManyCommandsWait() {
        try (Leased container = acquire()) {
            CompletionStage<ExecveReply> running =
                    container.executeLater(sleep().build(), ExecveDescriptors.none());
            List<CompletionStage<ExecveReply>> waiting = new ArrayList<>();
            for (int i = 0; i < 7; i++) {
                waiting.add(
                        container.executeLater(
                                Execve.of("/bin/sh", "-c", "exit " + i).build(),
                                ExecveDescriptors.none()));
            }
            for (CompletionStage<ExecveReply> refused : waiting.subList(4, 7)) {
                assertThat(Worker.await(refused))
                        .isInstanceOfSatisfying(
                                Failure.class,
                                failure -> assertThat(failure.kind()).isEqualTo(Failure.Kind.BUSY));
            }
            container.tell(new Container.Kill());
            assertThat(Worker.await(running)).isInstanceOf(ExecveResult.class);
            for (int i = 0; i < 4; i++) {
                ExecveResult result = (ExecveResult) Worker.await(waiting.get(i));
                assertThat(result.termination()).isEqualTo(new Termination.Exited(i));
            }
        }
    }
}
