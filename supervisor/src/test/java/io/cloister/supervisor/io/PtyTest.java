// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.LibC;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.run.Terminal;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class PtyTest {
    private final AtomicInteger exceeded = new AtomicInteger();
    private final StreamCollector collector = new StreamCollector();

    @AfterEach
    void close() {
        collector.close();
    }

    private Pty open(String input, long max, boolean truncate) throws IOException {
        Terminal terminal =
                new Terminal(24, 80, Bytes.ofUtf8(input), ByteSize.ofBytes(max), truncate);
        return collector.openTerminal(terminal, exceeded::incrementAndGet);
    }

    private static String text(Output output) {
        return output.content().utf8().orElseThrow();
    }

    private static String read(Fd slave) {
        byte[] buffer = new byte[65_536];
        long n = LibC.read(slave.number(), buffer, buffer.length);
        return new String(buffer, 0, (int) Math.max(0, n), StandardCharsets.UTF_8);
    }

    private static void write(Fd slave, String text) throws IOException {
        slave.write(text.getBytes(StandardCharsets.UTF_8));
    }

    private static void close(Map<Integer, Fd> files) {
        files.values().forEach(Fd::close);
    }

    /** What a shell says that has the terminal as its standard streams. */
    private static void run(Map<Integer, Fd> files, String script) throws Exception {
        long pid = ProcessHandle.current().pid();
        String slave = Path.of("/proc/" + pid + "/fd/" + files.get(0).number()).toString();
        Process shell =
                new ProcessBuilder("/bin/sh", "-c", script)
                        .redirectInput(Files.readSymbolicLink(Path.of(slave)).toFile())
                        .redirectOutput(Files.readSymbolicLink(Path.of(slave)).toFile())
                        .redirectErrorStream(true)
                        .start();
        assertThat(shell.waitFor(60, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void shouldBeATerminalOfTheWantedSize() throws Exception {
        try (Pty pty = open("", 10_000, false)) {
            Map<Integer, Fd> files = pty.forProgram();
            assertThat(files.keySet()).containsExactly(0, 1, 2);
            run(files, "stty size; test -t 0 && test -t 1 && test -t 2 && echo terminal");
            close(files);
            assertThat(text(pty.finish())).isEqualTo("24 80\r\nterminal\r\n");
        }
    }

    @Test
    void shouldTypeTheInputAndThenItsEnd() throws Exception {
        try (Pty pty = open("one\ntwo\n", 10_000, false)) {
            Map<Integer, Fd> files = pty.forProgram();
            Fd slave = files.get(0);
            assertThat(read(slave)).isEqualTo("one\n");
            assertThat(read(slave)).isEqualTo("two\n");
            assertThat(read(slave)).isEmpty();
            write(slave, "done\n");
            close(files);
            assertThat(text(pty.finish())).isEqualTo("one\r\ntwo\r\ndone\r\n");
        }
    }

    @Test
    void shouldEndAnInputWithoutALastNewline() throws Exception {
        try (Pty pty = open("one", 10_000, false)) {
            Map<Integer, Fd> files = pty.forProgram();
            assertThat(read(files.get(0))).isEqualTo("one");
            assertThat(read(files.get(0))).isEmpty();
            close(files);
        }
    }

    @Test
    void shouldTypeMoreThanATerminalHolds() throws Exception {
        String line = "x".repeat(99) + "\n";
        String input = line.repeat(3000);
        try (Pty pty = open(input, 1_000_000, false)) {
            Map<Integer, Fd> files = pty.forProgram();
            StringBuilder all = new StringBuilder();
            for (String part = read(files.get(0)); !part.isEmpty(); part = read(files.get(0))) {
                all.append(part);
            }
            assertThat(all.toString().equals(input)).isTrue();
            close(files);
        }
    }

    @Test
    void shouldTakeWhatWasWrittenLast() throws Exception {
        for (int i = 0; i < 300; i++) {
            try (Pty pty = open("", 10_000, false)) {
                Map<Integer, Fd> files = pty.forProgram();
                write(files.get(1), "first\nlast\n");
                close(files);
                assertThat(text(pty.finish())).isEqualTo("first\r\nlast\r\n");
            }
        }
    }

    @Test
    void shouldTellOnceOfAByteTooMuchAndGoOnDropping() throws Exception {
        try (Pty pty = open("", 10, false)) {
            Map<Integer, Fd> files = pty.forProgram();
            write(files.get(1), "0123456789a");
            await().until(() -> exceeded.get() == 1);
            write(files.get(1), "x".repeat(500_000));
            close(files);
            Output output = pty.finish();
            assertThat(text(output)).isEqualTo("0123456789");
            assertThat(output.truncated()).isTrue();
            assertThat(exceeded).hasValue(1);
        }
    }

    @Test
    void shouldTruncateWithoutTelling() throws Exception {
        try (Pty pty = open("", 10, true)) {
            Map<Integer, Fd> files = pty.forProgram();
            write(files.get(1), "x".repeat(500_000));
            close(files);
            assertThat(pty.finish().truncated()).isTrue();
            assertThat(exceeded).hasValue(0);
        }
    }

    @Test
    void shouldNotWaitForAProgramThatStaysAndWritesOn() throws Exception {
        try (Pty pty = open("never read\n".repeat(20_000), 200_000_000, false)) {
            Map<Integer, Fd> files = pty.forProgram();
            CompletableFuture<Void> writer =
                    CompletableFuture.runAsync(() -> {
                        byte[] bytes = new byte[4096];
                        while (LibC.write(files.get(1).number(), bytes, bytes.length) > 0) {}
                    });
            assertThat(pty.finish().content().length()).isNotNegative();
            writer.join(); // EIO has ended it
            close(files);
        }
    }

    @Test
    void shouldSayWhetherThereIsSomethingToDo() throws Exception {
        try (Pty pty = open("", 10_000, false)) {
            Map<Integer, Fd> files = pty.forProgram();
            await().until(pty::atRest);
            close(files);
        }
    }

    @Test
    void shouldKeepNoDescriptors() throws Exception {
        open("", 10, false).close();
        int before = OwnProcess.descriptors();
        for (int i = 0; i < 500; i++) {
            Pty pty = open("input\n", 10, i % 2 == 0);
            Map<Integer, Fd> files = pty.forProgram();
            write(files.get(1), "a".repeat(i % 13));
            close(files);
            if (i % 3 == 0) {
                pty.close();
                pty.close();
                assertThatThrownBy(pty::finish).isInstanceOf(IOException.class);
            } else {
                assertThat(pty.finish()).isSameAs(pty.finish());
            }
        }
        assertThat(OwnProcess.descriptors()).isEqualTo(before);
    }
}
