// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import akka.actor.testkit.typed.javadsl.TestProbe;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.landlock.Landlock;
import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.SyscallTable;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.ResetDone;
import io.cloister.protocol.message.Seccomp;
import io.cloister.protocol.run.Termination;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.handler.ExecveDescriptors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What profiles other than the default do to programs, and what the results say of it. */
@Timeout(120)
class SeccompTest {
    private static final Seccomp STRICT = new Seccomp("strict");
    private static final int COMPILE_SECONDS = 60;

    @TempDir private static Path directory;

    private static Worker worker;
    private static byte[] calls;

    @BeforeAll
    static void start() throws Exception {
        assumeTrue(CProgram.hasCompiler(), CProgram.NO_COMPILER);
        calls = compile(Path.of("src/test/c/calls.c"), "cc");
        worker = Worker.start(HostileTrial.settings());
    }

    @AfterAll
    static void stop() {
        if (worker != null) {
            worker.close();
        }
    }

    private static byte[] compile(Path source, String compiler, String... options)
            throws IOException, InterruptedException {
        Path program = directory.resolve(source.getFileName() + ".out");
        List<String> command =
                new ArrayList<>(
                        List.of(compiler, "-O1", "-static", "-pthread", "-o", program.toString()));
        command.addAll(List.of(options));
        command.add(source.toString());
        Process process = new ProcessBuilder(command).inheritIO().start();
        assertThat(process.waitFor(COMPILE_SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
        return Files.readAllBytes(program);
    }

    private static Ran run(Leased leased, Seccomp profile, String... arguments) throws IOException {
        return run(leased, calls, profile, arguments);
    }

    private static Ran run(Leased leased, byte[] program, Seccomp profile, String... arguments)
            throws IOException {
        leased.write("program", program, 0755);
        List<String> argv = new ArrayList<>(List.of("./program"));
        argv.addAll(List.of(arguments));
        return leased.run(Execve.of(argv).seccomp(profile).wallTime(Duration.ofSeconds(20)));
    }

    private static void assertEndedWell(Ran ran) {
        assertThat(ran.result().termination())
                .as("%s%n%s", ran.result(), ran.stdout())
                .isEqualTo(new Termination.Exited(0));
        assertThat(ran.result().evidence().disallowedSyscall()).isEmpty();
    }

    // ---- what is disallowed -----------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({
        "socket, socket",
        "fork, clone",
        "execve, execve",
        "unlink, unlinkat",
        "write_file, openat",
        "sendmsg, sendmsg",
        "in_thread, socket",
        "ignoring_signals, socket"
    })
    void shouldNameTheCallThatStrictForbids(String deed, String call) throws IOException {
        try (Leased leased = worker.acquire()) {
            ExecveResult result = run(leased, STRICT, deed).result();

            assertThat(result.evidence().disallowedSyscall()).as(result.toString()).contains(call);
            assertThat(result.termination()).isInstanceOf(Termination.Signalled.class);
            assertThat(result.killed()).as("its caller did not ask").isFalse();
            assertThat(result.limit()).isEmpty();
            // and the container goes on
            assertThat(leased.shell("echo well")).isEqualTo("well\n");
        }
        worker.awaitCalm();
        assertThat(Fd.leaks()).isZero();
    }

    @Test
    void shouldNameCallsThroughForeignEntries() throws IOException {
        assumeTrue(Architecture.current() == Architecture.X86_64, "only x86-64 has them");
        try (Leased leased = worker.acquire()) {
            assertThat(run(leased, STRICT, "int80").result().evidence().disallowedSyscall())
                    .contains("i386:20");
            assertThat(run(leased, STRICT, "x32").result().evidence().disallowedSyscall())
                    .contains("x32:getpid");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"strict", "default", "default:log", "strict:log", "none"})
    void shouldNotTakeAForgedSignalForADisallowedCall(String profile) throws IOException {
        try (Leased leased = worker.acquire()) {
            ExecveResult result = run(leased, new Seccomp(profile), "forge").result();

            assertThat(result.termination())
                    .isEqualTo(new Termination.Signalled(Linux.SIGSYS, "SIGSYS", false));
            assertThat(result.evidence().disallowedSyscall()).isEmpty();
        }
    }

    @Test
    void shouldKillForNothingUnderTheDefault() throws IOException {
        try (Leased leased = worker.acquire()) {
            for (String deed : List.of("int80", "x32")) {
                assertThat(run(leased, Seccomp.DEFAULT, deed).result().termination())
                        .as(deed)
                        .isEqualTo(new Termination.Exited(0));
            }
        }
    }

    // ---- what works -------------------------------------------------------------------------

    @Test
    void shouldLetStaticProgramsOfCComputeUnderStrict() throws IOException {
        try (Leased leased = worker.acquire()) {
            Ran ran = run(leased, STRICT, "compute");

            assertEndedWell(ran);
            assertThat(ran.stdout()).isEqualTo("42 of 4 threads\n");
        }
    }

    @Test
    void shouldLetStaticProgramsOfOtherLanguagesComputeUnderStrict() throws Exception {
        Path cpp = directory.resolve("sum.cpp");
        Files.writeString(
                cpp,
                """
                #include <algorithm>
                #include <iostream>
                #include <thread>
                #include <vector>
                int main() {
                    std::vector<long> v;
                    for (long n; std::cin >> n;) v.push_back(n);
                    std::stable_sort(v.begin(), v.end());
                    long sum = 0;
                    std::thread([&] { for (long n : v) sum += n; }).join();
                    try { throw sum; } catch (long n) { std::cout << n << std::endl; }
                }
                """);
        try (Leased leased = worker.acquire()) {
            leased.write("program", compile(cpp, "c++"), 0755);
            try (Fd input = MemFd.sealed("input", "19 20 3".getBytes(StandardCharsets.UTF_8))) {
                Ran ran =
                        leased.run(
                                Execve.of("./program").seccomp(STRICT),
                                Map.of(0, input.duplicate()));
                assertEndedWell(ran);
                assertThat(ran.stdout()).isEqualTo("42\n");
            }
        }
    }

    @Test
    void shouldStartByDescriptorAndFillThePlaceOfInitsSocket() throws IOException {
        try (Leased leased = worker.acquire();
                Fd third = MemFd.sealed("third", "third".getBytes(StandardCharsets.UTF_8))) {
            Ran ran =
                    leased.run(
                            Execve.of("program", "third").executableByDescriptor().seccomp(STRICT),
                            Map.of(3, third.duplicate()),
                            Optional.of(MemFd.executable("program", calls)));

            assertEndedWell(ran);
            assertThat(ran.stdout()).isEqualTo("third\n");
        }
    }

    @Test
    void shouldAnnounceAStartAndThenListen() throws IOException {
        try (Leased leased = worker.acquire()) {
            leased.write("program", calls, 0755);
            TestProbe<Container.Started> probe = worker.probe(Container.Started.class);
            CompletionStage<ExecveReply> reply =
                    leased.executeAnnounced(
                            Execve.of("./program", "socket")
                                    .seccomp(STRICT)
                                    .announceStart(true)
                                    .build(),
                            ExecveDescriptors.none(),
                            probe.getRef());
            probe.receiveMessage(Worker.PATIENCE).pidfd().close();
            leased.tell(new Container.Proceed());

            ExecveResult result = (ExecveResult) Worker.await(reply);
            assertThat(result.evidence().disallowedSyscall()).contains("socket");
        }
    }

    // ---- trials -----------------------------------------------------------------------------

    @Test
    void shouldLearnWhatStrictWouldForbid() throws IOException {
        try (Leased leased = worker.acquire()) {
            Ran ran =
                    leased.run(
                            Execve.of("/bin/sh", "-c", "true | cat; echo learnt")
                                    .seccomp(new Seccomp("strict:log")));

            assertEndedWell(ran);
            assertThat(ran.stdout()).isEqualTo("learnt\n");
            assertThat(ran.result().evidence().observedSyscalls())
                    .contains("clone", "execve", "wait4", "openat")
                    .doesNotContain("read", "write", "mmap")
                    .isSorted();
        }
    }

    @Test
    void shouldLearnWhatTheDefaultWouldForbid() throws IOException {
        try (Leased leased = worker.acquire()) {
            ExecveResult result = run(leased, new Seccomp("default:log"), "keyctl").result();

            assertThat(result.termination()).isEqualTo(new Termination.Exited(0));
            assertThat(result.evidence().observedSyscalls()).containsExactly("keyctl");
        }
    }

    @Test
    void shouldObserveNothingOfAProgramThatKeepsToTheRules() throws IOException {
        try (Leased leased = worker.acquire()) {
            Ran ran = run(leased, new Seccomp("default:log"), "socket");

            assertEndedWell(ran);
            assertThat(ran.result().evidence().observedSyscalls()).isEmpty();
        }
    }

    // ---- other walls ------------------------------------------------------------------------

    /** The capability that is missing gives EPERM; Landlock is asked first and says EACCES. */
    @Test
    void shouldConfineProgramsByLandlockEvenWithoutAFilter() throws IOException {
        boolean there = Landlock.detect().isUsable();
        if (!there) {
            System.out.println("skipped: this kernel has no Landlock of version 2");
        }
        assumeTrue(there, "no Landlock of version 2");
        try (Leased leased = worker.acquire()) {
            assertThat(run(leased, Seccomp.NONE, "make_device").stdout())
                    .isEqualTo("mknod: errno " + Linux.EACCES + "\n");
        }
        try (Worker off = Worker.start("cloister.landlock = off");
                Leased leased = off.acquire()) {
            assertThat(run(leased, Seccomp.NONE, "make_device").stdout())
                    .isEqualTo("mknod: errno " + Linux.EPERM + "\n");
        }
    }

    @Test
    void shouldLetConfinedProgramsRenameBetweenDirectories() throws IOException {
        try (Leased leased = worker.acquire()) {
            assertEndedWell(run(leased, Seccomp.DEFAULT, "rename_across"));
        }
    }

    @Test
    void shouldGiveProgramsASessionKeyringOfTheirOwnAndAnotherAfterAReset() throws IOException {
        try (Leased leased = worker.acquire()) {
            String first = run(leased, Seccomp.NONE, "keyctl").stdout();
            assumeTrue(!first.startsWith("-1"), "keys are not to be had");
            long own =
                    LibC.syscall(
                            SyscallTable.of(Architecture.current()).number("keyctl").orElseThrow(),
                            0,
                            -3,
                            0,
                            0);
            assertThat(first).isNotEqualTo(own + "\n");
            assertThat(run(leased, Seccomp.NONE, "keyctl").stdout()).isEqualTo(first);
            assertThat(leased.reset()).isInstanceOf(ResetDone.class);
            assertThat(run(leased, Seccomp.NONE, "keyctl").stdout()).isNotEqualTo(first);
        }
    }

    @Test
    void shouldLetNobodyMakeUserNamespacesEvenWithoutAFilter() throws IOException {
        try (Leased leased = worker.acquire()) {
            Ran ran = run(leased, Seccomp.NONE, "unshare_user");

            assertEndedWell(ran);
            assertThat(ran.stdout()).startsWith("unshare: errno " + Linux.ENOSPC);
        }
    }
}
