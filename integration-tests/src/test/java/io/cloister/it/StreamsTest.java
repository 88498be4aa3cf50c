// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.Pipe;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.run.Terminal;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.container.Opened;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.io.Collected;
import io.cloister.supervisor.io.FileCopies;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.io.HostFiles;
import io.cloister.supervisor.io.IdleWatch;
import io.cloister.supervisor.io.Pty;
import io.cloister.supervisor.io.Relay;
import io.cloister.supervisor.io.StreamCollector;
import io.cloister.supervisor.io.Streams;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Programs in containers at the other end of what the worker reads, writes and passes on. */
class StreamsTest extends WorkerTest {
    private static final ByteSize MAX = ByteSize.ofMiB(4);
    private static final Duration LONG = Duration.ofSeconds(100);

    private final AtomicInteger exceeded = new AtomicInteger();
    private StreamCollector collector;
    private FileStore store;
    private FileCopies copies;

    @BeforeEach
    void startStreams() {
        collector = new StreamCollector();
        store = new FileStore(worker().settings().store());
        copies = new FileCopies(store, new HostFiles(List.of()));
    }

    @AfterEach
    void stopStreams() {
        store.close();
        collector.close();
    }

    private CompletionStage<ExecveReply> start(
            Leased container, Execve.Builder request, Map<Integer, Fd> files) {
        return container.executeLater(
                request.descriptors(files.keySet()).build(), ExecveDescriptors.of(files));
    }

    private static void assertExit(CompletionStage<ExecveReply> reply, int code) {
        assertThat(Worker.await(reply))
                .isInstanceOfSatisfying(
                        ExecveResult.class,
                        result ->
                                assertThat(result.termination())
                                        .isEqualTo(new Termination.Exited(code)));
    }

    /** Runs a program with a collected output that ends the run when it is too much. */
    private Output collect(Leased container, Execve.Builder request, ByteSize max, boolean truncate)
            throws Exception {
        exceeded.set(0);
        Runnable kill =
                () -> {
                    exceeded.incrementAndGet();
                    container.tell(new Container.Kill());
                };
        try (Collected stream = collector.collect(max, truncate, kill)) {
            Worker.await(start(container, request, Map.of(1, stream.forProgram())));
            return stream.finish();
        }
    }

    // ---- output -----------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({
        "flags, 1000000",
        "large, 1000000",
        "small, 1000000",
        "packets, 100",
        "pages, 8192",
        "duplicate, 4096",
        "many, 160000",
        "closes, 0",
        "leaves, 100",
        "names, 100"
    })
    void shouldCollectWhateverTheProgramDoesToItsEnd(String trick, int bytes) throws Exception {
        assumeTrue(CProgram.hasCompiler(), CProgram.NO_COMPILER);
        try (Leased container = acquire()) {
            container.write("trick", CProgram.compile("stream_tricks"), 0755);
            Output output = collect(container, Execve.of("./trick", trick), MAX, false);
            assertThat(output.content().length()).as(output.content().toString()).isEqualTo(bytes);
            assertThat(output.truncated()).isFalse();
            assertThat(exceeded).hasValue(0);
            assertThat(container.shell("echo usable")).isEqualTo("usable\n");
        }
    }

    @Test
    void shouldEndAProgramThatWritesForEver() throws Exception {
        assumeTrue(CProgram.hasCompiler(), CProgram.NO_COMPILER);
        try (Leased container = acquire()) {
            container.write("trick", CProgram.compile("stream_tricks"), 0755);
            Execve.Builder forEver = Execve.of("./trick", "for_ever").wallTime(LONG);
            Output output = collect(container, forEver, ByteSize.ofKiB(100), false);
            assertThat(output.content().length()).isEqualTo(100 * 1024);
            assertThat(output.truncated()).isTrue();
            assertThat(exceeded).hasValue(1);
            assertThat(container.shell("echo usable")).isEqualTo("usable\n");
        }
    }

    @Test
    void shouldLetAProgramGoOnWhoseOutputIsTruncated() throws Exception {
        try (Leased container = acquire()) {
            Execve.Builder much =
                    Execve.of("/bin/sh", "-c", "head -c 20000000 /dev/zero; echo end > done");
            Output output = collect(container, much, ByteSize.ofBytes(10), true);
            assertThat(output.content().length()).isEqualTo(10);
            assertThat(output.truncated()).isTrue();
            assertThat(exceeded).hasValue(0);
            assertThat(container.readText("done")).isEqualTo("end\n");
        }
    }

    @Test
    void shouldLetProgramsOpenTheirStreamsByName() throws Exception {
        try (Leased container = acquire();
                Collected out = collector.collect(MAX, false, () -> {});
                Collected err = collector.collect(MAX, false, () -> {})) {
            Map<Integer, Fd> files =
                    Map.of(
                            0, copies.open(Content.ofUtf8("in\n")),
                            1, out.forProgram(),
                            2, err.forProgram());
            String script = "cat /dev/stdin > /dev/stdout; echo error > /dev/stderr";
            assertExit(start(container, Execve.of("/bin/sh", "-c", script), files), 0);
            assertThat(out.finish().content()).isEqualTo(Bytes.ofUtf8("in\n"));
            assertThat(err.finish().content()).isEqualTo(Bytes.ofUtf8("error\n"));
        }
    }

    // ---- input ------------------------------------------------------------------------------

    @Test
    void shouldGiveEveryRunTheInputAsItWas() throws Exception {
        String hostile =
                """
                import os
                assert os.read(0, 100) == b'input'
                def attempt(deed):
                    try:
                        deed()
                    except OSError:
                        return
                    if os.fstat(0).st_uid != os.getuid(): # without root it is the program's own
                        raise SystemExit('allowed')
                attempt(lambda: os.write(0, b'x'))
                attempt(lambda: os.truncate(0, 0))
                attempt(lambda: os.chmod(0, 0))
                attempt(lambda: os.utime(0))
                attempt(lambda: os.setxattr(0, 'user.x', b'x'))
                attempt(lambda: os.open('/proc/self/fd/0', os.O_RDWR))
                """;
        Content stored = store.put(Bytes.ofUtf8("input"));
        for (Content content : List.of(stored, stored, Content.ofUtf8("input"))) {
            try (Leased container = acquire()) {
                container
                        .run(
                                Execve.of("python3", "-IS", "-c", hostile),
                                Map.of(0, copies.open(content)))
                        .assertExit(0);
            }
        }
    }

    @Test
    void shouldCopyFilesInAndOut() throws Exception {
        byte[] script = "#!/bin/sh\ncat data > copy\n".getBytes(StandardCharsets.US_ASCII);
        byte[] data = new byte[1_000_000];
        Arrays.fill(data, (byte) 'x');
        Content stored = store.put(Bytes.wrap(data));
        try (Leased container = acquire()) {
            try (Opened opened =
                    container.open(OpenFile.create("run", 0755), OpenFile.create("data", 0644))) {
                copies.write(Content.of(script), opened.files().get("run"));
                copies.write(stored, opened.files().get("data"));
            }
            container.run("./run").assertExit(0);
            try (Opened opened = container.open(OpenFile.read("copy"))) {
                Fd copy = opened.files().get("copy");
                assertThat(copies.store(copy, MAX)).isEqualTo(stored);
            }
            try (Opened opened = container.open(OpenFile.read("copy"))) {
                Fd copy = opened.files().get("copy");
                assertThat(copies.read(copy, MAX)).isEqualTo(Bytes.wrap(data));
            }
        }
    }

    // ---- terminals --------------------------------------------------------------------------

    @Test
    void shouldBeATerminalToTheProgram() throws Exception {
        Terminal terminal = new Terminal(24, 80, Bytes.ofUtf8("first\nsecond\n"), MAX, false);
        try (Leased container = acquire();
                Pty pty = collector.openTerminal(terminal, () -> {})) {
            String script =
                    """
                    import os, sys
                    assert all(os.isatty(fd) for fd in (0, 1, 2))
                    assert os.tcgetpgrp(0) == os.getpid()
                    assert os.get_terminal_size() == (80, 24)
                    sys.stdout.write(' '.join(line.strip() for line in sys.stdin) + '\\n')
                    """;
            Execve.Builder request =
                    Execve.of("python3", "-IS", "-c", script).controllingTerminal(0);
            assertExit(start(container, request, pty.forProgram()), 0);
            assertThat(pty.finish().content().utf8())
                    .contains("first\r\nsecond\r\nfirst second\r\n");
        }
    }

    @Test
    void shouldEndAProgramThatFillsItsTerminal() throws Exception {
        Terminal terminal = new Terminal(24, 80, Bytes.EMPTY, ByteSize.ofKiB(10), false);
        try (Leased container = acquire();
                Pty pty =
                        collector.openTerminal(
                                terminal, () -> container.tell(new Container.Kill()))) {
            Execve.Builder request =
                    Execve.of("/bin/cat", "/dev/zero").controllingTerminal(0).wallTime(LONG);
            ExecveResult result =
                    (ExecveResult) Worker.await(start(container, request, pty.forProgram()));
            assertThat(result.killed()).isTrue();
            Output output = pty.finish();
            assertThat(output.content().length()).isEqualTo(10 * 1024);
            assertThat(output.truncated()).isTrue();
        }
    }

    // ---- groups -----------------------------------------------------------------------------

    @Test
    void shouldPassQuestionsAndAnswersBetweenContainers() throws Exception {
        try (Leased asking = acquire();
                Leased answering = acquire();
                Relay there = collector.relay(new PipeLink.Relay(MAX, true), () -> {});
                Relay back = collector.relay(new PipeLink.Relay(MAX, true), () -> {})) {
            CompletionStage<ExecveReply> asked =
                    start(
                            asking,
                            Execve.of(
                                    "/bin/sh",
                                    "-c",
                                    "for i in 1 2 3; do echo question $i; read a; test \"$a\" ="
                                            + " \"answer to question $i\" || exit 1; done"),
                            Map.of(0, back.forReader(), 1, there.forWriter()));
            CompletionStage<ExecveReply> answered =
                    start(
                            answering,
                            Execve.of(
                                    "/bin/sh",
                                    "-c",
                                    "while read q; do echo answer to $q; done; exit 7"),
                            Map.of(0, there.forReader(), 1, back.forWriter()));
            assertExit(asked, 0);
            assertExit(answered, 7);
            assertThat(there.finish().utf8()).contains("question 1\nquestion 2\nquestion 3\n");
            assertThat(back.finish().length()).isEqualTo(3 * "answer to question 1\n".length());
        }
    }

    @Test
    void shouldEndAWriterWhoseReaderEnds() throws Exception {
        try (Leased writing = acquire();
                Leased reading = acquire();
                Relay relay = collector.relay(new PipeLink.Relay(MAX, false), () -> {})) {
            CompletionStage<ExecveReply> writer =
                    start(
                            writing,
                            Execve.of("/bin/sh", "-c", "while :; do echo x || exit 3; done")
                                    .wallTime(LONG),
                            Map.of(1, relay.forWriter()));
            CompletionStage<ExecveReply> reader =
                    start(
                            reading,
                            Execve.of("/bin/head", "-c", "10"),
                            Map.of(0, relay.forReader()));
            assertExit(reader, 0);
            assertThat(Worker.await(writer))
                    .isInstanceOfSatisfying(
                            ExecveResult.class,
                            result -> assertThat(result.termination().toString()).contains("PIPE"));
        }
    }

    @Test
    void shouldKnowContainersWhoseProgramsWaitForEachOther() throws Exception {
        try (Leased one = acquire();
                Leased other = acquire();
                Relay back = collector.relay(new PipeLink.Relay(MAX, false), () -> {});
                Pipe there = Streams.pipe("between two programs");
                Collected out = collector.collect(MAX, false, () -> {})) {
            Map<Integer, Fd> files = new HashMap<>();
            files.put(0, back.forReader());
            files.put(1, there.writeEnd());
            files.put(2, out.forProgram());
            CompletionStage<ExecveReply> first =
                    start(one, Execve.of("/bin/cat").wallTime(LONG), files);
            CompletionStage<ExecveReply> second =
                    start(
                            other,
                            Execve.of("/bin/cat").wallTime(LONG),
                            Map.of(0, there.readEnd(), 1, back.forWriter()));
            IdleWatch watch = new IdleWatch(List.of(back, out));
            assertThat(isIdle(watch, one, other)).isFalse();
            Waiting.until(() -> assertThat(isIdle(watch, one, other)).isTrue());
            one.tell(new Container.Kill());
            assertThat(((ExecveResult) Worker.await(first)).killed()).isTrue();
            assertExit(second, 0); // its reader and its writer are gone: end of file
            assertThat(isIdle(watch, one, other)).isFalse();
        }
    }

    private static boolean isIdle(IdleWatch watch, Leased one, Leased other) {
        return watch.isIdle(Map.of(0, one.look(), 1, other.look()));
    }

    @Test
    void shouldSeeNoStandstillWhereNothingWaits() {
        try (Leased leased = acquire()) {
            assertThat(leased.look()).isEmpty();
            CompletionStage<ExecveReply> burner =
                    start(
                            leased,
                            Execve.of("/bin/sh", "-c", "while :; do :; done").wallTime(LONG),
                            Map.of());
            for (int i = 0; i < 5; i++) {
                assertThat(leased.look()).isEmpty();
            }
            leased.tell(new Container.Kill());
            assertThat(((ExecveResult) Worker.await(burner)).killed()).isTrue();
            assertThat(leased.look()).isEmpty();
            leased.endNow();
        }
    }
}
