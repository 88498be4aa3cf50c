// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 20, unit = TimeUnit.SECONDS)
class RunTest {
    private static final Program TRUE = Program.of("true").build();
    private static final Failure FAILURE = Failure.of(Failure.Kind.UNAVAILABLE, "none is free");

    @Test
    void shouldTakeOneToSixteenPrograms() {
        assertThat(run(Collections.nCopies(16, TRUE)).programs()).hasSize(16);
        assertRefused(() -> run(Collections.nCopies(17, TRUE)), "at most 16");
        assertRefused(() -> run(List.of()), "at least one");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 129})
    void shouldRefuseAnIdWithoutOrWithTooManyBytes(int bytes) {
        assertRefused(() -> Run.of("x".repeat(bytes), TRUE), "run id");
    }

    @Test
    void shouldJoinProgramsThatThereAre() {
        List<Program> two = List.of(TRUE, TRUE);

        assertThat(run(two, PipeLink.direct(0, 1, 1, 0), PipeLink.direct(1, 1, 0, 0)).pipes())
                .hasSize(2);
        assertRefused(() -> run(two, PipeLink.direct(0, 1, 2, 0)), "names program 2, there are 2");
        assertRefused(() -> run(two, PipeLink.direct(2, 1, 0, 0)), "names program 2");
    }

    @Test
    void shouldRefuseADescriptorThatLeadsToTwoThings() {
        Program collects = Program.of("true").collect(ByteSize.ofKiB(1)).build();
        Program onTerminal = Program.of("true").terminal(terminal(24, Bytes.EMPTY)).build();

        assertRefused(
                () -> run(List.of(TRUE), PipeLink.direct(0, 1, 0, 0), PipeLink.direct(0, 3, 0, 0)),
                "descriptor 0 of program 0 leads to two things");
        assertRefused(
                () -> run(List.of(collects), PipeLink.direct(0, 1, 0, 0)), "leads to two things");
        assertRefused(
                () -> run(List.of(onTerminal), PipeLink.direct(0, 3, 0, 2)), "leads to two things");
        assertThat(run(List.of(onTerminal), PipeLink.direct(0, 3, 0, 4)).pipes()).hasSize(1);
        assertRefused(() -> PipeLink.direct(0, 1, 0, 1), "one end twice");
    }

    @Test
    void shouldBoundPipes() {
        assertRefused(() -> PipeLink.direct(16, 1, 0, 0), "index of a program");
        assertRefused(() -> PipeLink.direct(-1, 1, 0, 0), "index of a program");
        assertRefused(() -> PipeLink.direct(0, 1024, 0, 0), "descriptor number");
        assertRefused(() -> PipeLink.direct(0, -1, 0, 0), "descriptor number");
        assertRefused(() -> new PipeLink.Relay(over(Stream.MAX_COLLECTED), true), "may pass");
    }

    @Test
    void shouldBoundTheIdleTime() {
        for (Duration wrong : List.of(Duration.ofMillis(9), Duration.ofHours(24).plusNanos(1))) {
            assertRefused(
                    () -> new Run("1", List.of(TRUE), List.of(), Optional.of(wrong)), "idle time");
        }
    }

    @Test
    void shouldRefuseWhatAnExecveWouldRefuse() {
        assertRefused(() -> Program.of().build(), "no arguments");
        assertRefused(() -> Program.of("a\0b").build(), "NUL");
        assertRefused(
                () -> Program.of("x", "x".repeat(Execve.MAX_STRING_BYTES)).build(),
                "arguments and environment take");
        assertRefused(() -> Program.of("x").environment(List.of("A")).build(), "no name");
        assertRefused(() -> Program.of("x").workDirectory("w").build(), "relative");
        assertRefused(() -> Program.of("x").stream(1024, new Stream.Null()).build(), "descriptor");
        assertRefused(() -> Program.of("x").stream(-1, new Stream.Null()).build(), "descriptor");
    }

    @Test
    void shouldRefuseMoreStreamsThanAMessageToInitCarries() {
        Program.Builder program = Program.of("x");
        for (int i = 0; i < Execve.MAX_DESCRIPTORS; i++) {
            program.stream(i, new Stream.Null());
        }

        assertThat(program.build().streams()).hasSize(Execve.MAX_DESCRIPTORS);
        assertRefused(
                () -> program.stream(1000, new Stream.Null()).build(),
                "streams, at most " + Execve.MAX_DESCRIPTORS);
    }

    @Test
    void shouldRefuseATerminalBesideStandardStreams() {
        Terminal terminal = terminal(24, Bytes.EMPTY);

        assertThat(Program.of("sh").terminal(terminal).stream(3, new Stream.Null()).build())
                .isNotNull();
        assertRefused(
                () -> Program.of("sh").terminal(terminal).stream(2, new Stream.Null()).build(),
                "a terminal and stream 2");
        assertRefused(
                () -> Program.of("sh").controllingTerminal(0).build(), "controlling terminal");
    }

    @Test
    void shouldBoundATerminal() {
        assertRefused(() -> terminal(0, Bytes.EMPTY), "terminal rows");
        assertRefused(() -> terminal(1001, Bytes.EMPTY), "terminal rows");
        Bytes long1 = Bytes.wrap(new byte[(int) Terminal.MAX_INPUT.bytes() + 1]);
        assertRefused(() -> terminal(24, long1), "bytes to type");
    }

    @Test
    void shouldBoundContent() {
        byte[] largest = new byte[(int) Content.MAX_INLINE.bytes()];

        assertThat(Content.of(largest)).isInstanceOf(Content.Inline.class);
        assertRefused(() -> Content.of(new byte[largest.length + 1]), "file store");
        assertRefused(() -> new Content.Stored("AB".repeat(32)), "64 digits");
        assertRefused(() -> new Content.Stored("ab".repeat(31)), "64 digits");
        assertRefused(() -> new Content.HostFile("data"), "relative");
        assertRefused(() -> new Content.HostFile("/data/../etc/shadow"), "..");
        assertRefused(() -> Stream.collect(over(Stream.MAX_COLLECTED)), "bytes to collect");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/", "../x", "a/../../x", "a//b", "/proc/..", "a\0b"})
    void shouldRefuseFilesThatAreNowhereInTheContainer(String path) {
        assertRefused(() -> CopyIn.File.of(path, Content.ofUtf8("")), "path");
        assertRefused(() -> new CopyIn.Link(path, "x"), "path");
        assertRefused(() -> CopyOut.required(path), "path");
    }

    @Test
    void shouldRefuseFilesThatCannotBe() {
        assertRefused(() -> new CopyIn.File("a", Content.ofUtf8(""), 010000), "mode");
        assertRefused(() -> new CopyIn.Link("a", ""), "target of the link");
        assertRefused(
                () ->
                        Program.of("x")
                                .copyOut(CopyOut.required("a"))
                                .copyOut(CopyOut.optional("a"))
                                .build(),
                "copied out twice");
    }

    @Test
    void shouldTakeAFileOutWithTheResultOnlyIfItFitsThere() {
        ByteSize inline = Content.MAX_INLINE;

        assertThat(new CopyOut("a", false, inline, false).max()).isEqualTo(inline);
        assertRefused(() -> new CopyOut("a", false, over(inline), false), "largest file");
        assertThat(new CopyOut("a", false, Stream.MAX_COLLECTED, true).store()).isTrue();
        assertRefused(
                () -> new CopyOut("a", false, over(Stream.MAX_COLLECTED), true), "largest file");
    }

    @Test
    void shouldRefuseOutcomesThatCannotBe() {
        Content file = Content.ofUtf8("x");

        assertThat(outcome(Map.of(), Map.of("a", file)).files()).containsOnlyKeys("a");
        assertRefused(() -> outcome(Map.of(), Map.of("../a", file)), "..");
        assertRefused(
                () -> outcome(Map.of(), Map.of("a", new Content.HostFile("/etc/shadow"))), "host");
        assertRefused(
                () -> outcome(Map.of(1024, new Output(Bytes.EMPTY, false)), Map.of()),
                "descriptor number");
    }

    @Test
    void shouldGiveEachProgramAResult() {
        ProgramOutcome outcome = ProgramOutcome.notRun(Status.INTERNAL_ERROR, FAILURE);

        assertThat(new RunResult("1", List.of(outcome), Map.of(63, Bytes.EMPTY)).results())
                .containsExactly(outcome);
        assertRefused(() -> new RunResult("1", List.of(), Map.of()), "no results");
        assertRefused(
                () -> new RunResult("1", List.of(outcome), Map.of(64, Bytes.EMPTY)),
                "index of a pipe");
    }

    private static ProgramOutcome outcome(
            Map<Integer, Output> outputs, Map<String, Content> files) {
        return new ProgramOutcome(
                Status.OK,
                Optional.empty(),
                Optional.of(new Termination.Exited(0)),
                Optional.empty(),
                Usage.none(),
                Duration.ZERO,
                Duration.ZERO,
                outputs,
                files,
                List.of(),
                Evidence.none());
    }

    private static Run run(List<Program> programs, PipeLink... pipes) {
        return new Run("1", programs, List.of(pipes), Optional.empty());
    }

    private static Terminal terminal(int rows, Bytes input) {
        return new Terminal(rows, 80, input, ByteSize.ofKiB(64), false);
    }

    private static ByteSize over(ByteSize size) {
        return ByteSize.ofBytes(size.bytes() + 1);
    }

    private static void assertRefused(Runnable construction, String reason) {
        assertThatThrownBy(construction::run)
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining(reason);
    }
}
