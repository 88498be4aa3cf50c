// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import akka.actor.typed.ActorSystem;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import io.cloister.supervisor.cluster.Cloister;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** A node of a cluster that carries out runs, until a signal ends it. */
@Command(
        name = "worker",
        description = {
            "Starts a node of a cluster that carries out what clients submit, as soon as its sandbox"
                    + " has been checked.",
            "Without --join it begins a cluster of its own. SIGTERM has it end its runs, or hand"
                    + " them back, and leave."
        },
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        exitCodeOnExecutionException = Main.SOFTWARE,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:it has left the cluster",
            "2:the command line is wrong",
            "70:Cloister failed",
            "143:it was ended by SIGTERM, and has left the cluster"
        })
final class WorkerCommand implements Callable<Integer> {
    @Spec private CommandSpec spec = CommandSpec.create();
    @Mixin private ClusterOptions cluster = new ClusterOptions();

    @Option(
            names = "--slots",
            paramLabel = "N",
            description = "Programs at a time (default: as cloister.containers.max says).")
    private int slots;

    @Option(
            names = "--tag",
            paramLabel = "NAME",
            description = "What runs may ask for, for example a language; may be repeated.")
    private List<String> tags = List.of();

    @Option(
            names = "--no-queue",
            description = "Never has the cluster's queue: another node must be able to.")
    private boolean noQueue;

    @Override
    public Integer call() throws Exception {
        Main.logAtLeastInfo();
        Map<String, Object> overrides = new HashMap<>();
        if (slots > 0) {
            overrides.put("cloister.cluster.worker.slots", slots);
            overrides.put("cloister.containers.max", slots);
            overrides.put("cloister.containers.warm", slots);
        }
        if (!tags.isEmpty()) {
            overrides.put("cloister.cluster.worker.tags", tags);
        }
        List<String> roles = new ArrayList<>(List.of("cloister-worker"));
        if (!noQueue) {
            roles.add("cloister-queue");
        }
        ActorSystem<Void> system = cluster.start(roles, overrides);
        Cluster node = Cluster.get(system);
        if (!cluster.joins()) {
            node.manager().tell(Join.create(node.selfMember().address()));
        }
        Cloister.get(system);
        spec.commandLine().getOut().println("worker " + node.selfMember().address());
        spec.commandLine().getOut().flush();
        system.getWhenTerminated().toCompletableFuture().get();
        return 0;
    }
}
