// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cloister.supervisor.cluster.Capabilities;
import io.cloister.supervisor.cluster.ClusterView;
import io.cloister.supervisor.cluster.ClusterView.Condition;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TopReportTest {
    private static ClusterView.WorkerView worker(String node, Condition condition, long finished) {
        return new ClusterView.WorkerView(
                new Capabilities(
                        node, 4, 2, 8L << 30, "x86_64", "v2", Set.of("java", "cpp"), "0.1.0"),
                condition,
                3,
                finished,
                1);
    }

    private static ClusterView view(String queue, long answered, ClusterView.WorkerView... all) {
        return new ClusterView(
                queue,
                5,
                6,
                7,
                answered,
                2,
                Optional.of(
                        new ClusterView.Latency(
                                Duration.ofNanos(1_234_567), Duration.ofMillis(89))),
                List.of(all),
                List.of(new ClusterView.TenantView("team 7", 5, 6)));
    }

    private static final ClusterView BEFORE =
            view(
                    "akka://c@a:1",
                    100,
                    worker("akka://c@a:1", Condition.READY, 60),
                    worker("akka://c@b:1", Condition.READY, 50));

    private static final ClusterView NOW =
            view(
                    "akka://c@a:1",
                    130,
                    worker("akka://c@a:1", Condition.READY, 85),
                    worker("akka://c@b:1", Condition.CLOSED, 3), // restarted
                    worker("akka://c@c:1", Condition.UNREACHABLE, 9));

    @Test
    void shouldShowQueueWorkersAndTenantsWithRates() {
        assertThat(new TopReport(BEFORE, NOW, Duration.ofSeconds(2)).table())
                .isEqualTo(
                        """
                        queue on a:1: 5 waiting, 6 running, 7 to be fetched, 130 answered (15.0/s), 2 attempts lost
                        wait in the queue, last minute: median 1.2 ms, 99th percentile 89.0 ms

                        WORKER  CONDITION    USED  SLOTS  RUNS/S  FINISHED  FAILED  CORES  MEMORY  ARCHITECTURE  CGROUPS  TAGS
                        ──────  ───────────  ────  ─────  ──────  ────────  ──────  ─────  ──────  ────────────  ───────  ────────
                        a:1     ready           3      4    12.5        85       1      2    8GiB  x86_64        v2       cpp,java
                        b:1     closed          3      4       -         3       1      2    8GiB  x86_64        v2       cpp,java
                        c:1     unreachable     3      4       -         9       1      2    8GiB  x86_64        v2       cpp,java

                        TENANT  WAITING  RUNNING
                        ──────  ───────  ───────
                        team 7        5        6
                        """);
    }

    @Test
    void shouldShowNoRatesAtFirstOrOfAnotherQueue() {
        assertThat(new TopReport(NOW).table()).doesNotContain("/s)");
        assertThat(new TopReport(view("akka://c@b:1", 10), NOW, Duration.ofSeconds(1)).table())
                .doesNotContain("/s)");
    }

    @Test
    void shouldShowAnEmptyCluster() {
        ClusterView empty =
                new ClusterView(
                        "akka://c@a:1", 0, 0, 0, 0, 0, Optional.empty(), List.of(), List.of());

        assertThat(new TopReport(empty).table())
                .startsWith("queue on a:1: 0 waiting, 0 running, 0 to be fetched, 0 answered\n\n")
                .doesNotContain("last minute", "TENANT");
    }

    @Test
    void shouldWriteOneDocumentOnOneLine() throws Exception {
        String line = new TopReport(BEFORE, NOW, Duration.ofSeconds(2)).json();

        assertThat(line).endsWith("}\n").containsOnlyOnce("\n");
        JsonNode document = new ObjectMapper().readTree(line);
        assertThat(document.get("answeredPerSecond").doubleValue()).isEqualTo(15);
        assertThat(document.get("latency").get("medianNanos").longValue()).isEqualTo(1_234_567);
        JsonNode first = document.get("workers").get(0);
        assertThat(first.get("node").textValue()).isEqualTo("akka://c@a:1");
        assertThat(first.get("condition").textValue()).isEqualTo("ready");
        assertThat(first.get("finishedPerSecond").doubleValue()).isEqualTo(12.5);
        assertThat(document.get("workers").get(1).has("finishedPerSecond")).isFalse();
        assertThat(document.get("tenants").get(0).get("name").textValue()).isEqualTo("team 7");
    }
}
