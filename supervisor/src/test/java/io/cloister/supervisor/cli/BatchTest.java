// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.unit.ByteSize;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class BatchTest {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    /** Runs that end when the test says so. */
    private static final class Controlled implements Batch.Runner {
        final BlockingQueue<String> started = new LinkedBlockingQueue<>();
        final Queue<String> cancelled = new ConcurrentLinkedQueue<>();
        private final Map<String, CompletableFuture<RunResult>> running = new ConcurrentHashMap<>();

        @Override
        public CompletionStage<RunResult> run(Run run) {
            CompletableFuture<RunResult> future = new CompletableFuture<>();
            running.put(run.id(), future);
            started.add(run.id());
            return future;
        }

        @Override
        public void cancel(String id) {
            cancelled.add(id);
        }

        void finish(String id) {
            future(id).complete(result(id, 1));
        }

        void fail(String id) {
            future(id).completeExceptionally(new IllegalStateException("gone"));
        }

        private CompletableFuture<RunResult> future(String id) {
            CompletableFuture<RunResult> future = running.remove(id);
            assertThat(future).as(id).isNotNull();
            return future;
        }

        void assertStarted(String... ids) throws InterruptedException {
            for (String id : ids) {
                assertThat(started.poll(20, TimeUnit.SECONDS)).isEqualTo(id);
            }
        }
    }

    /** Runs that end at once, on other threads. */
    private static final class Immediate implements Batch.Runner, AutoCloseable {
        final AtomicInteger most = new AtomicInteger();
        private final AtomicInteger programs = new AtomicInteger();
        private final ExecutorService threads = Executors.newFixedThreadPool(4);

        @Override
        public CompletionStage<RunResult> run(Run run) {
            int count = run.programs().size();
            int now = programs.addAndGet(count);
            most.accumulateAndGet(now, Math::max);
            return CompletableFuture.supplyAsync(
                    () -> {
                        programs.addAndGet(-count);
                        return result(run.id(), count);
                    },
                    threads);
        }

        @Override
        public void cancel(String id) {
            throw new AssertionError("nothing is left to cancel, but " + id);
        }

        @Override
        public void close() {
            threads.shutdownNow();
        }
    }

    @Test
    void shouldAnswerEveryLineWhateverItIs() throws Exception {
        String input =
                String.join(
                        "\n",
                        request("a"),
                        "garbage",
                        "[1,2]",
                        "",
                        " \t\r",
                        "{\"id\":\"b\",\"programs\":[{\"args\":[\"x\"],\"nice\":1}]}",
                        "\u0000\u0001",
                        request("c") + "\r",
                        request("d").substring(0, 20));

        try (Immediate runner = new Immediate()) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            Batch.Summary summary = batch(stream(input), out, 2, runner).run();

            assertThat(summary).isEqualTo(new Batch.Summary(2, 5));
            Map<String, JsonNode> byId = new LinkedHashMap<>();
            List<Integer> bad = new ArrayList<>();
            for (JsonNode line : lines(out)) {
                if (line.has("error")) {
                    bad.add(line.get("line").intValue());
                }
                byId.put(line.get("id").asText(), line);
            }
            assertThat(bad).containsExactly(2, 3, 6, 7, 9);
            assertThat(byId).containsOnlyKeys("a", "b", "c", "null");
            assertThat(byId.get("b").get("error").get("place").textValue())
                    .isEqualTo("programs[0]");
        }
    }

    @Test
    void shouldRefuseBytesThatAreNotUtf8AndGoOn() throws Exception {
        ByteArrayOutputStream input = new ByteArrayOutputStream();
        input.write(new byte[] {'"', (byte) 0xFF, '"', '\n'});
        input.writeBytes(request("a").getBytes(StandardCharsets.UTF_8));

        try (Immediate runner = new Immediate()) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            batch(new ByteArrayInputStream(input.toByteArray()), out, 1, runner).run();

            assertThat(lines(out).get(0).get("error").get("message").textValue())
                    .contains("not UTF-8");
            assertThat(lines(out).get(1).get("id").textValue()).isEqualTo("a");
        }
    }

    @Test
    void shouldRefuseALineThatIsTooLongAndGoOn() throws Exception {
        String input = "x".repeat(10_000_000) + "\n" + request("a") + "\n";

        try (Immediate runner = new Immediate()) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            Batch batch =
                    new Batch(stream(input), out, 1, runner, (done, bad) -> {}, ByteSize.ofMiB(1));

            assertThat(batch.run()).isEqualTo(new Batch.Summary(1, 1));
            assertThat(lines(out).get(0).get("line").intValue()).isEqualTo(1);
            assertThat(lines(out).get(0).get("error").get("message").textValue())
                    .contains("longer");
        }
    }

    @Test
    void shouldAnswerAThousandLinesOnFourContainersAndNoMore() throws Exception {
        StringBuilder input = new StringBuilder();
        for (int i = 0; i < 1000; i++) {
            input.append(i % 7 == 0 ? request("r" + i, 1 + i % 4) : request("r" + i)).append('\n');
        }

        try (Immediate runner = new Immediate()) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();

            assertThat(batch(stream(input.toString()), out, 4, runner).run())
                    .isEqualTo(new Batch.Summary(1000, 0));
            assertThat(lines(out))
                    .extracting(line -> line.get("id").textValue())
                    .doesNotHaveDuplicates();
            assertThat(runner.most).hasValueBetween(2, 4);
        }
    }

    @Test
    void shouldWriteResultsInOrderOfCompletion() throws Exception {
        Controlled runner = new Controlled();
        try (Background background =
                new Background(runner, 3, request("a"), request("b"), request("c"))) {
            runner.assertStarted("a", "b", "c");
            for (String id : List.of("c", "a", "b")) {
                runner.finish(id);
                assertThat(background.nextId()).isEqualTo(id);
            }
            background.endInput();
            assertThat(background.summary()).isEqualTo(new Batch.Summary(3, 0));
        }
    }

    @Test
    void shouldStartAsManyProgramsAsThereAreContainersInOrder() throws Exception {
        Controlled runner = new Controlled();
        try (Background background =
                new Background(
                        runner, 2, request("a"), request("pair", 2), request("b"), request("c"))) {
            runner.assertStarted("a");
            assertThat(runner.started).isEmpty();
            runner.finish("a");
            runner.assertStarted("pair");
            runner.finish("pair");
            runner.assertStarted("b", "c");
            runner.finish("b");
            runner.finish("c");
            background.endInput();
            assertThat(background.summary().results()).isEqualTo(4);
        }
    }

    @Test
    void shouldRefuseARunThatNeedsMoreContainersThanThereAre() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();

        assertThat(batch(stream(request("a", 3)), out, 2, new Controlled()).run())
                .isEqualTo(new Batch.Summary(0, 1));

        assertThat(lines(out).getFirst().get("id").textValue()).isEqualTo("a");
        assertThat(lines(out).getFirst().get("error").get("message").textValue())
                .contains("--containers");
    }

    @Test
    void shouldRefuseAnIdThatIsInUseAndTakeItAgainLater() throws Exception {
        Controlled runner = new Controlled();
        try (Background background = new Background(runner, 2, request("a"), request("a"))) {
            runner.assertStarted("a");
            JsonNode refused = background.next();
            assertThat(refused.get("line").intValue()).isEqualTo(2);
            assertThat(refused.get("id").textValue()).isEqualTo("a");
            runner.finish("a");
            assertThat(background.nextId()).isEqualTo("a");
            background.send(request("a"));
            runner.assertStarted("a");
            runner.finish("a");
            background.endInput();
            assertThat(background.summary()).isEqualTo(new Batch.Summary(2, 1));
        }
    }

    @Test
    void shouldReadNoFurtherAheadThanTwiceTheContainers() throws Exception {
        Controlled runner = new Controlled();
        byte[] line = (request("x") + " ".repeat(100_000) + "\n").getBytes(StandardCharsets.UTF_8);
        AtomicLong sent = new AtomicLong();
        InputStream endless =
                new InputStream() {
                    @Override
                    public int read() {
                        throw new UnsupportedOperationException();
                    }

                    @Override
                    public int read(byte[] buffer, int offset, int length) {
                        long at = sent.get();
                        int from = (int) (at % line.length);
                        int count = Math.min(length, line.length - from);
                        System.arraycopy(line, from, buffer, offset, count);
                        // A different id each time: its first letter.
                        int id = 7 - from;
                        if (id >= 0 && id < count) {
                            buffer[offset + id] = (byte) ('A' + at / line.length % 50);
                        }
                        sent.addAndGet(count);
                        return count;
                    }
                };
        try (Background background = new Background(runner, endless, 2)) {
            runner.assertStarted("A", "B");
            for (char id = 'C'; id < 'Z'; id++) {
                runner.finish(Character.toString(id - 2));
                runner.assertStarted(Character.toString(id));
                long answered = id - 'C' + 1L;
                // 4 in work, one that waits to enter, and a buffer.
                assertThat(sent.get()).isLessThan((answered + 6) * line.length);
            }
            background.breakOutput();
        }
    }

    @Test
    void shouldAnswerARunThatHasNoResult() throws Exception {
        Controlled runner = new Controlled();
        try (Background background = new Background(runner, 1, request("a", 1))) {
            runner.assertStarted("a");
            runner.fail("a");
            JsonNode result = background.next().get("results").get(0);
            assertThat(result.get("status").textValue()).isEqualTo("INTERNAL_ERROR");
            assertThat(result.get("failure").get("message").textValue()).contains("gone");
            background.endInput();
            assertThat(background.summary().results()).isEqualTo(1);
        }
    }

    @Test
    void shouldEndWhatRunsWhenNobodyReadsTheOutputAnyMore() throws Exception {
        Controlled runner = new Controlled();
        try (Background background =
                new Background(runner, 2, request("a"), request("b"), request("c"))) {
            runner.assertStarted("a", "b");
            background.breakOutput();
            runner.finish("a");

            assertThatThrownBy(background::summary).hasRootCauseInstanceOf(IOException.class);
            assertThat(runner.cancelled).contains("b");
        }
    }

    @Test
    void shouldTellThatItsInputBrokeOff() {
        InputStream broken =
                new InputStream() {
                    @Override
                    public int read() throws IOException {
                        throw new IOException("Input/output error");
                    }

                    @Override
                    public int read(byte[] buffer, int offset, int length) throws IOException {
                        return read();
                    }
                };

        assertThatThrownBy(() ->
                        batch(broken, OutputStream.nullOutputStream(), 1, new Controlled()).run())
                .isInstanceOf(IOException.class)
                .hasMessage("Input/output error");
    }

    // ---- helpers ------------------------------------------------------------------------------

    /** A batch that runs beside the test, on pipes. */
    private static final class Background implements AutoCloseable {
        private final PipedOutputStream input = new PipedOutputStream();
        private final BlockingQueue<JsonNode> output = new LinkedBlockingQueue<>();
        private final ExecutorService thread = Executors.newSingleThreadExecutor();
        private final CompletableFuture<Batch.Summary> summary = new CompletableFuture<>();
        private volatile boolean broken;

        Background(Batch.Runner runner, int containers, String... requests) throws IOException {
            start(new PipedInputStream(input, 1 << 20), runner, containers);
            for (String request : requests) {
                send(request);
            }
        }

        Background(Batch.Runner runner, InputStream in, int containers) {
            start(in, runner, containers);
        }

        private void start(InputStream in, Batch.Runner runner, int containers) {
            ByteArrayOutputStream unread = new ByteArrayOutputStream();
            OutputStream out =
                    new OutputStream() {
                        @Override
                        public void flush() throws IOException {
                            for (String line :
                                    unread.toString(StandardCharsets.UTF_8).lines().toList()) {
                                output.add(MAPPER.readTree(line));
                            }
                            unread.reset();
                        }

                        @Override
                        public void write(int oneByte) throws IOException {
                            if (broken) {
                                throw new IOException("Broken pipe");
                            }
                            unread.write(oneByte);
                        }
                    };
            thread.execute(() -> {
                try {
                    summary.complete(batch(in, out, containers, runner).run());
                } catch (IOException | InterruptedException | RuntimeException e) {
                    summary.completeExceptionally(e);
                }
            });
        }

        void send(String request) throws IOException {
            input.write((request + "\n").getBytes(StandardCharsets.UTF_8));
            input.flush();
        }

        void endInput() throws IOException {
            input.close();
        }

        void breakOutput() {
            broken = true;
        }

        JsonNode next() throws InterruptedException {
            JsonNode line = output.poll(20, TimeUnit.SECONDS);
            assertThat(line).isNotNull();
            return line;
        }

        String nextId() throws InterruptedException {
            return next().get("id").textValue();
        }

        Batch.Summary summary() throws Exception {
            return summary.get(20, TimeUnit.SECONDS);
        }

        @Override
        public void close() {
            thread.shutdownNow();
        }
    }

    private static Batch batch(
            InputStream in, OutputStream out, int containers, Batch.Runner runner) {
        return new Batch(in, out, containers, runner, (done, bad) -> {});
    }

    private static RunResult result(String id, int programs) {
        ProgramOutcome outcome =
                ProgramOutcome.notRun(
                        Status.CANCELLED, Failure.of(Failure.Kind.UNAVAILABLE, "only a test"));
        return new RunResult(id, Collections.nCopies(programs, outcome), Map.of());
    }

    private static String request(String id) {
        return request(id, 1);
    }

    private static String request(String id, int programs) {
        String all = String.join(",", Collections.nCopies(programs, "{\"args\":[\"x\"]}"));
        return "{\"id\":\"%s\",\"programs\":[%s]}".formatted(id, all);
    }

    private static InputStream stream(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    private static List<JsonNode> lines(ByteArrayOutputStream out) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : out.toString(StandardCharsets.UTF_8).lines().toList()) {
            lines.add(MAPPER.readTree(line));
        }
        return lines;
    }
}
