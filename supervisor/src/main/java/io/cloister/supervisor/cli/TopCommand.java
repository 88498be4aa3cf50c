// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import akka.actor.typed.ActorSystem;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.cluster.Capabilities;
import io.cloister.supervisor.cluster.Cloister;
import io.cloister.supervisor.cluster.ClusterView;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Shows a cluster's queue and workers, live in a terminal. */
@Command(
        name = "top",
        description = "Shows a cluster's queue, workers and rates, until a signal ends it.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        exitCodeOnExecutionException = Main.SOFTWARE,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:all that was asked for has been shown",
            "2:the command line is wrong",
            "70:there is no such cluster, or Cloister failed"
        })
final class TopCommand implements Callable<Integer> {
    private static final String HOME_AND_CLEAR = "\u001b[H\u001b[2J";
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Spec private CommandSpec spec = CommandSpec.create();
    @Mixin private ClusterOptions cluster = new ClusterOptions();

    @Option(
            names = "--interval",
            paramLabel = "TIME",
            description = "How often (default: ${DEFAULT-VALUE}).",
            converter = Durations.class,
            defaultValue = "1s")
    private Duration interval = Duration.ofSeconds(1);

    @Option(
            names = "--count",
            paramLabel = "N",
            description = "End after so many times (default: never).")
    private int count = Integer.MAX_VALUE;

    @Option(names = "--json", description = "Print JSON documents instead of tables.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        if (!cluster.joins()) {
            throw new ParameterException(
                    spec.commandLine(), "--join HOST:PORT is missing: a node of the cluster");
        }
        ActorSystem<Void> system = cluster.start(List.of(), Map.of());
        try {
            watch(Cloister.get(system));
        } finally {
            system.terminate();
            system.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
        }
        return 0;
    }

    private void watch(Cloister cloister) throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        boolean terminal = !json && Terminal.watchesOutput();
        ClusterView before = null;
        for (int i = 0; i < count; i++) {
            if (i > 0) {
                Thread.sleep(interval);
            }
            ClusterView now = look(cloister);
            if (terminal) {
                out.print(HOME_AND_CLEAR);
            }
            out.print(json ? Json.write(now) : table(before, now, interval));
            out.flush();
            before = now;
        }
    }

    private static ClusterView look(Cloister cloister) throws Exception {
        try {
            return cloister.look(PATIENCE)
                    .toCompletableFuture()
                    .get(PATIENCE.toSeconds() + 1, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException(
                    "no queue answers: is there a cluster with a node that may have it?", e);
        }
    }

    /** The rates need a view before. */
    static String table(@Nullable ClusterView before, ClusterView now, Duration interval) {
        StringBuilder text = new StringBuilder();
        text.append(
                "queue on %s: %d waiting, %d running, %d to be fetched, %d answered%s%s\n\n"
                        .formatted(
                                now.queueNode(),
                                now.waiting(),
                                now.running(),
                                now.unfetched(),
                                now.answered(),
                                before == null || before.answered() > now.answered()
                                        ? ""
                                        : String.format(
                                                Locale.ROOT,
                                                " (%.1f/s)",
                                                (now.answered() - before.answered())
                                                        * 1e9
                                                        / interval.toNanos()),
                                now.lostAttempts() == 0
                                        ? ""
                                        : ", %d attempts lost".formatted(now.lostAttempts())));
        TextTable workers =
                new TextTable(
                        TextTable.Column.left("WORKER"),
                        TextTable.Column.left("CONDITION"),
                        TextTable.Column.right("USED"),
                        TextTable.Column.right("SLOTS"),
                        TextTable.Column.right("FINISHED"),
                        TextTable.Column.right("FAILED"),
                        TextTable.Column.right("CORES"),
                        TextTable.Column.right("MEMORY"),
                        TextTable.Column.left("ARCHITECTURE"),
                        TextTable.Column.left("CGROUPS"),
                        TextTable.Column.left("TAGS"));
        for (ClusterView.WorkerView worker : now.workers()) {
            Capabilities has = worker.capabilities();
            workers.row(
                    has.node(),
                    worker.condition().name().toLowerCase(Locale.ROOT),
                    String.valueOf(worker.used()),
                    String.valueOf(has.slots()),
                    String.valueOf(worker.finished()),
                    String.valueOf(worker.failed()),
                    String.valueOf(has.cores()),
                    ByteSize.ofMiB(has.memoryBytes() >> 20).toString(),
                    has.architecture(),
                    has.cgroups(),
                    String.join(",", has.tags()));
        }
        text.append(workers.render());
        if (!now.tenants().isEmpty()) {
            TextTable tenants =
                    new TextTable(
                            TextTable.Column.left("TENANT"),
                            TextTable.Column.right("WAITING"),
                            TextTable.Column.right("RUNNING"));
            now.tenants()
                    .forEach(tenant ->
                            tenants.row(
                                    tenant.name(),
                                    String.valueOf(tenant.waiting()),
                                    String.valueOf(tenant.running())));
            text.append('\n').append(tenants.render());
        }
        return text.toString();
    }
}
