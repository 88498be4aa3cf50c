// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.cluster.Capabilities;
import io.cloister.supervisor.cluster.ClusterView;
import io.cloister.supervisor.cluster.ClusterView.WorkerView;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * One look at a cluster, with rates per second since the look before, as a table or as a line of
 * JSON. A rate is absent at the first look, and where a count began anew: another queue, or a
 * worker that was restarted.
 */
final class TopReport {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final double NANOS_PER_MILLI = 1e6;

    private static final ObjectMapper MAPPER =
            JsonMapper.builder()
                    .addModule(new Jdk8Module())
                    .defaultPropertyInclusion(
                            JsonInclude.Value.construct(
                                    JsonInclude.Include.NON_ABSENT, JsonInclude.Include.NON_ABSENT))
                    .build();

    private final ClusterView now;
    private final OptionalDouble rate;
    private final Function<WorkerView, OptionalDouble> workerRate;

    /** The first one. */
    TopReport(ClusterView now) {
        this(now, OptionalDouble.empty(), worker -> OptionalDouble.empty());
    }

    /** One so long after another. */
    TopReport(ClusterView before, ClusterView now, Duration elapsed) {
        this(
                now,
                before.queueNode().equals(now.queueNode())
                        ? rate(before.answered(), now.answered(), elapsed)
                        : OptionalDouble.empty(),
                rates(before, elapsed));
    }

    private TopReport(
            ClusterView now, OptionalDouble rate, Function<WorkerView, OptionalDouble> workerRate) {
        this.now = now;
        this.rate = rate;
        this.workerRate = workerRate;
    }

    private static Function<WorkerView, OptionalDouble> rates(
            ClusterView before, Duration elapsed) {
        Map<String, Long> finished =
                before.workers().stream()
                        .collect(
                                Collectors.toMap(
                                        worker -> worker.capabilities().node(),
                                        WorkerView::finished,
                                        Long::max));
        return worker -> {
            Long then = finished.get(worker.capabilities().node());
            return then == null ? OptionalDouble.empty() : rate(then, worker.finished(), elapsed);
        };
    }

    private static OptionalDouble rate(long before, long now, Duration elapsed) {
        return now < before || !elapsed.isPositive()
                ? OptionalDouble.empty()
                : OptionalDouble.of((now - before) * NANOS_PER_SECOND / elapsed.toNanos());
    }

    // ---- for people --------------------------------------------------------------------------

    String table() {
        StringBuilder text = new StringBuilder();
        text.append(
                "queue on %s: %d waiting, %d running, %d to be fetched, %d answered%s%s\n"
                        .formatted(
                                hostAndPort(now.queueNode()),
                                now.waiting(),
                                now.running(),
                                now.unfetched(),
                                now.answered(),
                                rate.isPresent() ? " (%s/s)".formatted(text(rate)) : "",
                                now.lostAttempts() == 0
                                        ? ""
                                        : ", %d attempts lost".formatted(now.lostAttempts())));
        now.latency()
                .ifPresent(latency ->
                        text.append(
                                "wait in the queue, last minute: median %s, 99th percentile %s\n"
                                        .formatted(
                                                millis(latency.median()),
                                                millis(latency.percentile99()))));
        text.append('\n').append(workers());
        if (!now.tenants().isEmpty()) {
            text.append('\n').append(tenants());
        }
        return text.toString();
    }

    private String workers() {
        TextTable table =
                new TextTable(
                        TextTable.Column.left("WORKER"),
                        TextTable.Column.left("CONDITION"),
                        TextTable.Column.right("USED"),
                        TextTable.Column.right("SLOTS"),
                        TextTable.Column.right("RUNS/S"),
                        TextTable.Column.right("FINISHED"),
                        TextTable.Column.right("FAILED"),
                        TextTable.Column.right("CORES"),
                        TextTable.Column.right("MEMORY"),
                        TextTable.Column.left("ARCHITECTURE"),
                        TextTable.Column.left("CGROUPS"),
                        TextTable.Column.left("TAGS"));
        for (WorkerView worker : now.workers()) {
            Capabilities has = worker.capabilities();
            table.row(
                    hostAndPort(has.node()),
                    lowerCase(worker.condition()),
                    String.valueOf(worker.used()),
                    String.valueOf(has.slots()),
                    text(workerRate.apply(worker)),
                    String.valueOf(worker.finished()),
                    String.valueOf(worker.failed()),
                    String.valueOf(has.cores()),
                    ByteSize.ofMiB(has.memoryBytes() >> 20).toString(),
                    has.architecture(),
                    has.cgroups(),
                    has.tags().stream().sorted().collect(Collectors.joining(",")));
        }
        return table.render();
    }

    private String tenants() {
        TextTable table =
                new TextTable(
                        TextTable.Column.left("TENANT"),
                        TextTable.Column.right("WAITING"),
                        TextTable.Column.right("RUNNING"));
        now.tenants()
                .forEach(tenant ->
                        table.row(
                                tenant.name(),
                                String.valueOf(tenant.waiting()),
                                String.valueOf(tenant.running())));
        return table.render();
    }

    /** All nodes of a cluster have the same before it. */
    private static String hostAndPort(String node) {
        return node.substring(node.indexOf('@') + 1);
    }

    private static String text(OptionalDouble rate) {
        return rate.isPresent() ? String.format(Locale.ROOT, "%.1f", rate.getAsDouble()) : "-";
    }

    private static String millis(Duration time) {
        return String.format(Locale.ROOT, "%.1f ms", time.toNanos() / NANOS_PER_MILLI);
    }

    private static String lowerCase(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    // ---- for programs ------------------------------------------------------------------------

    private record Document(
            String queueNode,
            int waiting,
            int running,
            int unfetched,
            long answered,
            OptionalDouble answeredPerSecond,
            long lostAttempts,
            Optional<Latency> latency,
            List<Worker> workers,
            List<ClusterView.TenantView> tenants) {}

    private record Latency(long medianNanos, long percentile99Nanos) {}

    private record Worker(
            String node,
            String condition,
            int slots,
            int used,
            long finished,
            OptionalDouble finishedPerSecond,
            long failed,
            int cores,
            long memoryBytes,
            String architecture,
            String cgroups,
            List<String> tags,
            String version) {}

    /** A document, and a line feed that is its only one. */
    String json() {
        Document document =
                new Document(
                        now.queueNode(),
                        now.waiting(),
                        now.running(),
                        now.unfetched(),
                        now.answered(),
                        rate,
                        now.lostAttempts(),
                        now.latency()
                                .map(latency ->
                                        new Latency(
                                                latency.median().toNanos(),
                                                latency.percentile99().toNanos())),
                        now.workers().stream().map(this::worker).toList(),
                        now.tenants());
        try {
            return MAPPER.writeValueAsString(document) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot be written as JSON: " + document, e);
        }
    }

    private Worker worker(WorkerView worker) {
        Capabilities has = worker.capabilities();
        return new Worker(
                has.node(),
                lowerCase(worker.condition()),
                has.slots(),
                worker.used(),
                worker.finished(),
                workerRate.apply(worker),
                worker.failed(),
                has.cores(),
                has.memoryBytes(),
                has.architecture(),
                has.cgroups(),
                has.tags().stream().sorted().toList(),
                has.version());
    }
}
