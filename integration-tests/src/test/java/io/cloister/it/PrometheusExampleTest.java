// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.typed.ActorSystem;
import com.sun.net.httpserver.HttpServer;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.Run;
import io.cloister.supervisor.observe.CloisterMeters;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The code in docs/observability.md is this code, and what it serves is right. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class PrometheusExampleTest {
    private static final int RUNS = 7;
    private static final int FAILURES = 3;

    // begin of the example
    /** Serves a system's meters at http://ADDRESS/metrics, until it is stopped. */
    static HttpServer serveMeters(ActorSystem<?> system, InetSocketAddress address)
            throws IOException {
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        new CloisterMeters(system).bindTo(registry);
        HttpServer server = HttpServer.create(address, 0);
        server.createContext(
                "/metrics",
                exchange -> {
                    byte[] page = registry.scrape().getBytes(UTF_8);
                    exchange.getResponseHeaders()
                            .set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
                    exchange.sendResponseHeaders(200, page.length);
                    try (OutputStream body = exchange.getResponseBody()) {
                        body.write(page);
                    }
                });
        server.start();
        return server;
    }

    // end of the example

    /** The samples of a page, each a line. */
    private static List<String> scrape(HttpServer server) throws Exception {
        InetSocketAddress address = server.getAddress();
        URI uri = URI.create("http://127.0.0.1:%d/metrics".formatted(address.getPort()));
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> response =
                    client.send(
                            HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(20)).build(),
                            HttpResponse.BodyHandlers.ofString());
            assertThat(response.statusCode()).isEqualTo(200);
            return response.body().lines().filter(line -> !line.startsWith("#")).toList();
        }
    }

    /** The value of a sample. */
    private static double value(List<String> samples, String name) {
        return samples.stream()
                .filter(line -> line.startsWith(name + " "))
                .findFirst()
                .map(line -> Double.parseDouble(line.substring(name.length())))
                .orElseThrow(() -> new AssertionError(name + " is not in " + samples));
    }

    @Test
    void shouldServeFiguresOfRealRuns() throws Exception {
        try (Worker worker = Worker.start("cloister.containers { max = 2, warm = 2 }")) {
            worker.awaitCalm();
            HttpServer server =
                    serveMeters(
                            worker.kit().system(),
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            try {
                List<String> before = scrape(server);
                assertThat(value(before, "cloister_containers{state=\"idle\"}")).isEqualTo(2);
                assertThat(value(before, "cloister_run_duration_seconds_count{status=\"ok\"}"))
                        .isZero();

                carryOut(worker, server);

                List<String> after = scrape(server);
                assertThat(value(after, "cloister_run_duration_seconds_count{status=\"ok\"}"))
                        .isEqualTo(RUNS);
                assertThat(value(after, "cloister_program_outcomes_total{status=\"ok\"}"))
                        .isEqualTo(RUNS);
                assertThat(value(after, "cloister_program_outcomes_total{status=\"nonzero-exit\"}"))
                        .isEqualTo(FAILURES);
                assertThat(value(after, "cloister_program_outcomes_total{status=\"time-limit\"}"))
                        .isEqualTo(1);
                assertThat(value(after, "cloister_program_wall_seconds_count"))
                        .isEqualTo(RUNS + FAILURES + 1);
                assertThat(value(after, "cloister_container_wait_seconds_count"))
                        .isEqualTo(RUNS + FAILURES + 1);
                assertThat(
                                value(
                                        after,
                                        "cloister_limit_overrun_seconds_count{limit=\"wall-time\"}"))
                        .isEqualTo(1);
                assertThat(value(after, "cloister_container_reset_seconds_count{result=\"clean\"}"))
                        .isEqualTo(RUNS + FAILURES + 1);
                assertThat(value(after, "cloister_containers{state=\"idle\"}")).isEqualTo(2);
                assertThat(value(after, "cloister_containers{state=\"leased\"}")).isZero();
                assertThat(value(after, "cloister_containers{state=\"cleaning\"}")).isZero();
                assertThat(value(after, "cloister_container_retirements_total{reason=\"lost\"}"))
                        .isZero();
                assertThat(value(after, "cloister_container_requests")).isZero();

                killOne(worker);
                List<String> last = scrape(server);
                assertThat(value(last, "cloister_container_retirements_total{reason=\"lost\"}"))
                        .isEqualTo(1);
                assertThat(value(last, "cloister_container_creation_seconds_count")).isEqualTo(1);
                assertThat(value(last, "cloister_containers{state=\"idle\"}")).isEqualTo(2);
            } finally {
                server.stop(0);
            }
        }
    }

    private static void carryOut(Worker worker, HttpServer server) throws Exception {
        CompletableFuture<?>[] runs =
                IntStream.range(0, RUNS)
                        .mapToObj(i ->
                                worker.runLater(Run.of("run " + i, Program.of("/bin/true").build()))
                                        .toCompletableFuture())
                        .toArray(CompletableFuture[]::new);
        scrape(server); // while they run
        CompletableFuture.allOf(runs).join();
        for (int i = 0; i < FAILURES; i++) {
            worker.run(Program.of("/bin/false"));
        }
        worker.run(
                Program.of("/bin/sleep", "30")
                        .limits(Limits.builder().wallTime(Duration.ofMillis(50)).build()));
        worker.awaitCalm();
    }

    private static void killOne(Worker worker) {
        try (Leased leased = worker.acquire()) {
            Processes.signal(leased.initPid(), Processes.SIGKILL);
            leased.awaitEnd();
        }
        worker.awaitCalm();
    }

    @Test
    void shouldShowTheExampleOnThePageAsItIs() throws IOException {
        Example.assertShown(
                "docs/observability.md", "<!-- prometheus -->", PrometheusExampleTest.class);
    }
}
