// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import akka.actor.typed.ActorSystem;
import io.cloister.supervisor.cluster.Cloister;
import io.cloister.supervisor.cluster.ClusterView;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
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
        versionProvider = Version.class,
        exitCodeOnExecutionException = Main.SOFTWARE,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:all that was asked for has been shown",
            "2:the command line is wrong",
            "70:there is no such cluster, or Cloister failed"
        })
final class TopCommand implements Callable<Integer> {
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

    @Option(
            names = "--json",
            description = "Print JSON, one document on each line, instead of tables.")
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
        if (json || !Terminal.watchesOutput()) {
            watch(
                    cloister,
                    report -> {
                        out.print(json ? report.json() : report.table());
                        out.flush();
                    });
            return;
        }
        String[] last = {""};
        try (Screen screen = Screen.open(out)) {
            watch(
                    cloister,
                    report -> {
                        last[0] = report.table();
                        screen.show(last[0]);
                    });
        }
        out.print(last[0]); // as it was when the last one had been shown
        out.flush();
    }

    private void watch(Cloister cloister, Consumer<TopReport> show) throws Exception {
        ClusterView before = look(cloister);
        long since = System.nanoTime();
        show.accept(new TopReport(before));
        for (int i = 1; i < count; i++) {
            Thread.sleep(interval);
            ClusterView now = look(cloister);
            long at = System.nanoTime();
            show.accept(new TopReport(before, now, Duration.ofNanos(at - since)));
            before = now;
            since = at;
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
}
