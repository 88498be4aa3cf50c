// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.Pipe;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Seccomp;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.CopyOut;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.run.Terminal;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import io.cloister.supervisor.io.Streams;
import io.cloister.supervisor.run.RunService;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Runs as clients submit them: programs with files, streams and limits, alone and in groups. */
@Tag("cgroup")
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class RunServiceTest extends WorkerTest {
    private static final ByteSize KIB = ByteSize.ofKiB(1);
    private static final int RUNS_AT_ONCE = 3;
    private static final byte[] LEAVE = {'\n'};

    private static Program.Builder shell(String script) {
        return Program.of("/bin/sh", "-c", script).collect(ByteSize.ofKiB(64));
    }

    private static String stdout(ProgramOutcome outcome) {
        return outcome.outputs().get(1).content().utf8().orElseThrow();
    }

    private ProgramOutcome run(Program.Builder program) {
        return worker().run(program);
    }

    @Test
    void shouldAnswerWithOutputExitCodeAndFigures() {
        ProgramOutcome outcome = run(shell("cat; echo to stderr >&2").stdin("1 2\n"));

        assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.OK);
        assertThat(stdout(outcome)).isEqualTo("1 2\n");
        assertThat(outcome.outputs().get(2).content()).isEqualTo(Bytes.ofUtf8("to stderr\n"));
        assertThat(outcome.limit()).isEmpty();
        assertThat(outcome.usage().cpuTime()).isPositive();
        assertThat(outcome.wallTime()).isPositive();
        assertThat(outcome.usage().memory().bytes()).isGreaterThan(100_000);
    }

    /** What is kept of a program for the next one must not show in it. */
    @Test
    void shouldRunEachProgramAsItDiffersFromTheLast() {
        Supplier<Program.Builder> usual = () -> shell("cat; pwd; echo $A $(ulimit -n)").stdin("");
        Limits fewFiles = Limits.builder().openFiles(30).build();
        String before = stdout(run(usual.get()));
        assertThat(stdout(run(usual.get().stdin("in ")))).isEqualTo("in " + before);
        assertThat(stdout(run(usual.get().workDirectory("/usr")))).startsWith("/usr\n");
        assertThat(stdout(run(usual.get().environment(List.of("A=a"))))).contains("\na ");
        assertThat(stdout(run(usual.get().limits(fewFiles)))).endsWith("\n30\n");
        assertThat(stdout(run(shell("pwd; echo $A $(ulimit -n)")))).isEqualTo(before);
        ProgramOutcome quiet = run(usual.get().stream(2, new Stream.Null()));
        assertThat(quiet.outputs()).containsOnlyKeys(1);
        Seccomp missing = new Seccomp("no-such-profile");
        assertThat(run(usual.get().seccomp(missing)).status()).isEqualTo(Status.INTERNAL_ERROR);
        assertThat(stdout(run(usual.get()))).isEqualTo(before);
    }

    @Test
    void shouldTellHowAProgramEnded() {
        ProgramOutcome exited = run(shell("exit 3"));
        assertThat(exited.status()).isEqualTo(Status.NONZERO_EXIT);
        assertThat(exited.termination()).contains(new Termination.Exited(3));

        for (String signal : List.of("KILL", "XCPU", "SYS", "SEGV")) {
            ProgramOutcome killed =
                    run(
                            shell("kill -" + signal + " $$")
                                    .limits(
                                            Limits.builder()
                                                    .cpuTime(Duration.ofSeconds(1))
                                                    .memory(ByteSize.ofMiB(64))
                                                    .build()));
            assertThat(killed.status()).as(signal).isEqualTo(Status.SIGNALLED);
            assertThat(killed.limit()).isEmpty();
        }
    }

    @Test
    void shouldEndAProgramThatUsesUpItsCpuTime() {
        ProgramOutcome outcome =
                run(
                        shell("while :; do :; done & while :; do :; done")
                                .limits(Limits.builder().cpuTime(Duration.ofMillis(300)).build()));

        assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.TIME_LIMIT);
        assertThat(outcome.limit()).contains(Limit.CPU_TIME);
        assertThat(outcome.usage().cpuTime()).isGreaterThanOrEqualTo(Duration.ofMillis(300));
    }

    @Test
    void shouldEndAProgramWhoseWallTimeIsOver() {
        ProgramOutcome outcome =
                run(
                        shell("sleep 30")
                                .limits(
                                        Limits.builder()
                                                .wallTime(Duration.ofMillis(200))
                                                .cpuTime(Duration.ofMillis(200))
                                                .build()));

        assertThat(outcome.status()).isEqualTo(Status.TIME_LIMIT);
        assertThat(outcome.limit()).contains(Limit.WALL_TIME);
    }

    @Test
    void shouldProveAMemoryLimit() {
        Limits limits = Limits.builder().memory(ByteSize.ofMiB(32)).build();
        ProgramOutcome outcome =
                run(
                        Program.of("/usr/bin/python3", "-IS", "-c", "x = b'x' * 100_000_000")
                                .limits(limits));

        assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.MEMORY_LIMIT);
        assertThat(outcome.limit()).contains(Limit.MEMORY);
        assertThat(outcome.evidence().oomKills()).isPositive();
        assertThat(run(Program.of("/bin/true").limits(limits)).status()).isEqualTo(Status.OK);
    }

    @Test
    void shouldTakeExactlyAsMuchOutputAsIsAllowed() {
        Stream bound = Stream.collect(KIB);
        ProgramOutcome exact = run(shell("exec head -c 1024 /dev/zero").stream(1, bound));
        assertThat(exact.status()).isEqualTo(Status.OK);
        assertThat(exact.outputs().get(1).content().length()).isEqualTo(1024);

        ProgramOutcome more = run(shell("exec head -c 1025 /dev/zero").stream(1, bound));
        assertThat(more.status()).isEqualTo(Status.OUTPUT_LIMIT);
        assertThat(more.limit()).contains(Limit.OUTPUT);
        assertThat(more.outputs().get(1).content().length()).isEqualTo(1024);

        ProgramOutcome flood = run(shell("exec cat /dev/zero").stream(1, bound));
        assertThat(flood.status()).isEqualTo(Status.OUTPUT_LIMIT);

        ProgramOutcome cut =
                run(
                        shell("exec head -c 1000000 /dev/zero").stream(
                                1, new Stream.Collect(KIB, true)));
        assertThat(cut.status()).isEqualTo(Status.OK);
        assertThat(cut.outputs().get(1).truncated()).isTrue();
    }

    @Test
    void shouldCopyFilesInAndOut() {
        byte[] large = new byte[1 << 20];
        large[12345] = 7;
        ProgramOutcome outcome =
                run(
                        shell("cat d/in.txt link > out.txt; cp large copy")
                                .copyIn(CopyIn.File.of("d/in.txt", Content.ofUtf8("a\n")))
                                .copyIn(new CopyIn.Link("link", "d/in.txt"))
                                .copyIn(CopyIn.File.of("large", Content.of(large)))
                                .copyOut(CopyOut.required("out.txt"))
                                .copyOut(CopyOut.required("copy"))
                                .copyOut(CopyOut.optional("none")));

        assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.OK);
        assertThat(outcome.files().get("out.txt")).isEqualTo(Content.ofUtf8("a\na\n"));
        assertThat(outcome.files().get("copy")).isEqualTo(Content.of(large));
        assertThat(outcome.files()).doesNotContainKey("none");
    }

    @Test
    void shouldNameAFileThatCannotBeHad() {
        ProgramOutcome missing = run(shell(":").copyOut(CopyOut.required("out.txt")));
        assertThat(missing.status()).isEqualTo(Status.FILE_ERROR);
        assertThat(missing.failure().orElseThrow().describe()).contains("out.txt");

        ProgramOutcome special = run(shell("mkfifo f").copyOut(CopyOut.optional("f")));
        assertThat(special.status()).isEqualTo(Status.FILE_ERROR);

        ProgramOutcome none = run(Program.of("/nowhere"));
        assertThat(none.status()).isEqualTo(Status.FILE_ERROR);
        assertThat(none.failure().orElseThrow().kind()).isEqualTo(Failure.Kind.NOT_FOUND);
        assertThat(none.termination()).isEmpty();

        ProgramOutcome host =
                run(shell(":").stream(0, new Stream.Input(new Content.HostFile("/etc/passwd"))));
        assertThat(host.status()).isEqualTo(Status.FILE_ERROR);
        assertThat(host.failure().orElseThrow().describe()).contains("host-files");
    }

    @Test
    void shouldLimitProcesses() {
        ProgramOutcome outcome =
                run(
                        shell("for i in 1 2 3 4 5 6; do sleep 1 & done; wait")
                                .limits(Limits.builder().processes(3).build()));

        assertThat(outcome.limit()).contains(Limit.PROCESSES);
        assertThat(outcome.status()).isEqualTo(Status.NONZERO_EXIT);
    }

    @Test
    void shouldLimitTheDisk() {
        Limits free = Limits.builder().wallTime(Duration.ofSeconds(60)).build(); // many processes
        Limits limited = free.toBuilder().diskSize(ByteSize.ofKiB(64)).diskFiles(20).build();
        String script =
                "head -c 65536 /dev/zero > a && ! echo x > b && rm a b;"
                        + " for i in $(seq 30); do touch f$i || exit 0; done; exit 4";
        ProgramOutcome outcome = run(shell(script).limits(limited));
        assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.OK);

        String more = "head -c 1000000 /dev/zero > a && for i in $(seq 100); do touch f$i; done";
        assertThat(run(shell(more).limits(free)).status()).isEqualTo(Status.OK);
    }

    @Test
    void shouldGiveATerminal() {
        Program.Builder program =
                Program.of("/bin/sh", "-c", "stty size; tty; read line; echo got $line")
                        .terminal(new Terminal(24, 80, Bytes.ofUtf8("hello\n"), KIB, false));
        ProgramOutcome outcome = run(program);

        assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.OK);
        assertThat(stdout(outcome)).contains("24 80").contains("got hello");
    }

    @Test
    void shouldJoinProgramsByPipes() {
        Program ping =
                Program.of(
                                "/bin/sh",
                                "-c",
                                "for i in 1 2 3; do echo $i; read x; echo got $x >&2; done")
                        .stream(2, Stream.collect(KIB))
                        .build();
        Program pong =
                Program.of("/bin/sh", "-c", "while read x; do echo $((x * 10)); done").build();
        for (boolean relayed : List.of(false, true)) {
            Optional<PipeLink.Relay> relay =
                    relayed ? Optional.of(new PipeLink.Relay(KIB, true)) : Optional.empty();
            Run run =
                    new Run(
                            "interactive",
                            List.of(ping, pong),
                            List.of(
                                    new PipeLink(
                                            new PipeLink.End(0, 1), new PipeLink.End(1, 0), relay),
                                    new PipeLink(
                                            new PipeLink.End(1, 1), new PipeLink.End(0, 0), relay)),
                            Optional.empty());
            RunResult result = worker().run(run);

            assertThat(result.results())
                    .as(result.toString())
                    .allMatch(outcome -> outcome.status() == Status.OK);
            assertThat(result.results().get(0).outputs().get(2).content())
                    .isEqualTo(Bytes.ofUtf8("got 10\ngot 20\ngot 30\n"));
            if (relayed) {
                assertThat(result.transcripts().get(0)).isEqualTo(Bytes.ofUtf8("1\n2\n3\n"));
            }
        }
    }

    @Test
    void shouldEndAGroupWhoseProgramsWaitForEachOther() {
        Program reader =
                Program.of("/bin/sh", "-c", "read x; echo $x")
                        .limits(Limits.builder().wallTime(Duration.ofSeconds(60)).build())
                        .build();
        RunResult result =
                worker().run(
                                new Run(
                                        "deadlock",
                                        List.of(reader, reader),
                                        List.of(
                                                PipeLink.direct(0, 1, 1, 0),
                                                PipeLink.direct(1, 1, 0, 0)),
                                        Optional.empty()));

        assertThat(result.results())
                .as(result.toString())
                .allMatch(outcome -> outcome.status() == Status.TIME_LIMIT)
                .allMatch(outcome -> outcome.evidence().idle())
                .allMatch(outcome -> outcome.wallTime().compareTo(Duration.ofSeconds(50)) < 0);
    }

    /**
     * What a program wrote may turn out to be too much when it has long ended, and its runner has
     * another one.
     */
    @Test
    void shouldEndNoOtherProgramForWhatAnEndedOneWrote() throws IOException {
        // As much as the reader's pipe and the relay take between them; the rest, at most as much
        // as fits into the writer's pipe however little the relay takes at a time, waits there.
        PipeLink.Relay relay = new PipeLink.Relay(ByteSize.ofKiB(128), false);
        PipeLink link =
                new PipeLink(new PipeLink.End(0, 1), new PipeLink.End(1, 0), Optional.of(relay));
        Run run =
                new Run(
                        "group",
                        List.of(onLeave("head -c 134000 /dev/zero"), onLeave("cat > /dev/null")),
                        List.of(link),
                        Optional.of(Duration.ofSeconds(60)));
        try (Pipe leaveToWrite = Streams.pipe("leave to write");
                Pipe leaveToRead = Streams.pipe("leave to read")) {
            Map<PipeLink.End, Fd> given =
                    Map.of(
                            new PipeLink.End(0, 3),
                            leaveToWrite.readEnd(),
                            new PipeLink.End(1, 3),
                            leaveToRead.readEnd());
            CompletionStage<RunResult> group =
                    worker().ask(
                                    worker().runs(),
                                    replyTo -> new RunService.Submit(run, given, replyTo));
            awaitLeased(2);
            leaveToWrite.writeEnd().write(LEAVE);
            awaitLeased(1);
            List<CompletionStage<RunResult>> others = new ArrayList<>();
            for (int i = 0; i < RUNS_AT_ONCE; i++) { // each runner that is ready gets one
                others.add(worker().runLater(Run.of("other", shell("sleep 0.5").build())));
            }
            awaitLeased(2);
            leaveToRead.writeEnd().write(LEAVE);

            for (CompletionStage<RunResult> other : others) {
                ProgramOutcome outcome = Worker.await(other).results().getFirst();
                assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.OK);
            }
            assertThat(Worker.await(group).results())
                    .allMatch(outcome -> outcome.status() == Status.OK);
        }
    }

    private static Program onLeave(String script) {
        return Program.of("/bin/sh", "-c", "read leave <&3; " + script).stream(
                        3, new Stream.Given())
                .limits(Limits.builder().wallTime(Duration.ofSeconds(60)).build())
                .build();
    }

    private void awaitLeased(int containers) {
        Waiting.until(() -> assertThat(worker().status().leased()).isEqualTo(containers));
    }

    @Test
    void shouldCancelARun() {
        CompletionStage<RunResult> later =
                worker().runLater(Run.of("to be cancelled", shell("sleep 60").build()));
        Waiting.until(() -> assertThat(worker().status().leased()).isEqualTo(1));
        worker().runs().tell(new RunService.Cancel("to be cancelled"));

        ProgramOutcome outcome = Worker.await(later).results().getFirst();
        assertThat(outcome.status()).isEqualTo(Status.CANCELLED);
    }

    @Test
    void shouldRefuseAGroupThatIsTooLargeForTheWorker() {
        Program program = shell(":").build();
        RunResult result =
                worker().run(
                                new Run(
                                        "large",
                                        List.of(program, program, program),
                                        List.of(),
                                        Optional.empty()));
        assertThat(result.results())
                .hasSize(3)
                .allMatch(outcome -> outcome.status() == Status.INTERNAL_ERROR);
    }
}
