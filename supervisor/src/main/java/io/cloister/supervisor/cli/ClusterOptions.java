// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigValueFactory;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options of commands that become a node of a cluster. */
public final class ClusterOptions {
    /** The same on all nodes: it is part of their addresses. */
    private static final String SYSTEM = "cloister";

    private static final String HERE = "command line";

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--bind",
            paramLabel = "HOST:PORT",
            description =
                    "Where this node is: an address that all other nodes reach (default:"
                            + " ${DEFAULT-VALUE}; port 0: any that is free).",
            defaultValue = "127.0.0.1:0")
    private String bind = "127.0.0.1:0";

    @Option(
            names = "--join",
            paramLabel = "HOST:PORT",
            description = "A node of the cluster to join; several in the order they are tried.")
    private List<String> join = List.of();

    @Mixin private SettingsFile file = new SettingsFile();

    /** Where a node is. */
    private record HostAndPort(String host, int port) {
        String uri() {
            return "akka://%s@%s:%d".formatted(SYSTEM, host, port);
        }
    }

    /** Whether there is a cluster to join. */
    public boolean joins() {
        return !join.isEmpty();
    }

    /**
     * Starts a node; it joins by itself.
     *
     * @param roles that it has
     * @param overrides of settings
     */
    public ActorSystem<Void> start(List<String> roles, Map<String, ?> overrides) {
        return ActorSystem.create(Behaviors.empty(), SYSTEM, config(roles, overrides));
    }

    private Config config(List<String> roles, Map<String, ?> overrides) {
        HostAndPort here = hostAndPort("--bind", bind);
        Config config =
                ConfigFactory.defaultOverrides()
                        .withFallback(ConfigFactory.parseMap(overrides, HERE))
                        .withFallback(
                                ConfigFactory.parseMap(
                                        Map.of(
                                                "akka.remote.artery.canonical.hostname",
                                                here.host(),
                                                "akka.remote.artery.canonical.port",
                                                here.port(),
                                                "akka.cluster.roles",
                                                roles),
                                        HERE))
                        .withFallback(file.read())
                        .withFallback(ConfigFactory.parseResources("cloister-cluster.conf"))
                        .withFallback(ConfigFactory.defaultReference())
                        .resolve();
        List<String> seeds = join.stream().map(node -> hostAndPort("--join", node).uri()).toList();
        return config.withValue("akka.cluster.seed-nodes", ConfigValueFactory.fromIterable(seeds));
    }

    /** What {@code --config} says; empty without one. */
    public Config settingsFile() {
        return file.read();
    }

    private HostAndPort hostAndPort(String option, String text) {
        int colon = text.lastIndexOf(':');
        try {
            int port = Integer.parseInt(text.substring(colon + 1));
            if (colon > 0 && port >= 0 && port <= 65_535) {
                return new HostAndPort(text.substring(0, colon), port);
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new ParameterException(
                spec.commandLine(),
                "%s: '%s' is not HOST:PORT, for example 10.0.0.7:25520".formatted(option, text));
    }
}
