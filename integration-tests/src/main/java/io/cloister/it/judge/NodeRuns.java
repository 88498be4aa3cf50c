// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import akka.Done;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.supervisor.cli.ClusterOptions;
import io.cloister.supervisor.cluster.Cloister;
import io.cloister.supervisor.cluster.ClusterView;
import io.cloister.supervisor.cluster.RunReply;
import io.cloister.supervisor.cluster.Terms;
import io.cloister.supervisor.io.FileException;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.run.RunService;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;

/** Has runs carried out by this process, or by a cluster that it is a node of. */
public final class NodeRuns implements RunSender {
    private static final String TENANT = "judge";

    /** Beyond the worker's own deadlines: it answers before. */
    private static final Duration MARGIN = Duration.ofMinutes(2);

    /** Others may have submitted much before. */
    private static final Duration WAITING = Duration.ofHours(1);

    private static final Duration END_LIMIT = Duration.ofSeconds(20);
    private static final Duration LOOK = Duration.ofSeconds(2);
    private static final int LOOKS = 20;

    private final ActorSystem<Void> system;
    private final FileStore store;
    private final int slots;
    private final Function<Run, CompletionStage<RunResult>> send;
    private final Consumer<String> cancel;
    private final Map<Path, Content.Stored> files = new ConcurrentHashMap<>();

    private NodeRuns(
            ActorSystem<Void> system,
            FileStore store,
            int slots,
            Function<Run, CompletionStage<RunResult>> send,
            Consumer<String> cancel) {
        this.system = system;
        this.store = store;
        this.slots = slots;
        this.send = send;
        this.cancel = cancel;
    }

    /**
     * Starts a worker in this process, without a cluster.
     *
     * @param config the settings of Cloister and Akka, over their defaults
     * @param containers how many programs may run at once
     */
    public static NodeRuns local(Config config, int containers) {
        Map<String, ?> sizes =
                Map.of(
                        "cloister.containers.warm",
                        containers,
                        // one that is in use and one that gets ready, for each
                        "cloister.containers.max",
                        2 * containers);
        ActorSystem<Void> system =
                ActorSystem.create(
                        Behaviors.empty(),
                        "cloister-judge",
                        ConfigFactory.defaultOverrides()
                                .withFallback(ConfigFactory.parseMap(sizes, "containers"))
                                .withFallback(config)
                                .withFallback(ConfigFactory.defaultReference())
                                .resolve());
        Cloister cloister = Cloister.get(system);
        return new NodeRuns(
                system,
                cloister.store(),
                containers,
                run ->
                        AskPattern.ask(
                                cloister.runs(),
                                replyTo -> new RunService.Submit(run, replyTo),
                                longest(run).plus(MARGIN),
                                system.scheduler()),
                id -> cloister.runs().tell(new RunService.Cancel(id)));
    }

    /**
     * Joins a cluster as a node without containers.
     *
     * @param config the settings of this node's file store
     * @throws IOException when no worker of the cluster is ready within some time
     */
    public static NodeRuns join(ClusterOptions options, Config config)
            throws IOException, InterruptedException {
        Map<String, Object> overrides = new HashMap<>();
        overrides.put("akka.loglevel", "WARNING");
        overrides.put("akka.stdout-loglevel", "OFF");
        overrides.put("akka.coordinated-shutdown.exit-jvm", "off");
        overrides.put("cloister.store", config.getConfig("cloister.store").root().unwrapped());
        ActorSystem<Void> system = options.start(List.of(), overrides);
        Cloister cloister = Cloister.get(system);
        int slots = awaitSlots(cloister);
        if (slots == 0) {
            system.terminate();
            throw new IOException(
                    "no worker of the cluster is ready: look at ./cloister top --join HOST:PORT");
        }
        return new NodeRuns(
                system,
                cloister.store(),
                slots,
                run -> {
                    Terms terms = new Terms(0, longest(run).plus(MARGIN).plus(WAITING), Set.of());
                    return cloister.submit(run, TENANT, terms)
                            .thenApply(reply -> result(run, reply));
                },
                id -> cloister.cancel(TENANT, id));
    }

    private static int awaitSlots(Cloister cloister) throws InterruptedException {
        int slots = 0;
        for (int i = 0; i < LOOKS && slots == 0; i++) {
            try {
                slots =
                        cloister
                                .look(LOOK)
                                .toCompletableFuture()
                                .get(LOOK.toSeconds() + 1, TimeUnit.SECONDS)
                                .workers()
                                .stream()
                                .filter(each -> each.condition() == ClusterView.Condition.READY)
                                .mapToInt(each -> each.capabilities().slots())
                                .sum();
            } catch (ExecutionException | TimeoutException e) {
                continue; // has not joined yet, or the queue moves
            }
            if (slots == 0) {
                TimeUnit.SECONDS.sleep(1);
            }
        }
        return slots;
    }

    private static RunResult result(Run run, RunReply reply) {
        return switch (reply) {
            case RunReply.Completed completed -> completed.result();
            case RunReply.NotCompleted(String id, RunReply.Reason reason, String why) ->
                    new RunResult(
                            id,
                            Collections.nCopies(
                                    run.programs().size(),
                                    ProgramOutcome.notRun(
                                            Status.INTERNAL_ERROR,
                                            Failure.of(
                                                    Failure.Kind.UNAVAILABLE,
                                                    "%s: %s".formatted(reason, why)))),
                            Map.of());
        };
    }

    private static Duration longest(Run run) {
        Duration longest = Duration.ZERO;
        for (Program program : run.programs()) {
            Duration limit = program.limits().wallTime();
            longest = limit.compareTo(longest) > 0 ? limit : longest;
        }
        return longest;
    }

    /** How many programs can run at once. */
    int slots() {
        return slots;
    }

    @Override
    public CompletionStage<RunResult> run(Run run) {
        return send.apply(run);
    }

    @Override
    public void cancel(String id) {
        cancel.accept(id);
    }

    @Override
    public Content file(Path file) throws IOException {
        Content.Stored known = files.get(file);
        if (known != null && store.contains(known.id())) {
            return known;
        }
        try (InputStream contents = Files.newInputStream(file)) {
            Content.Stored stored = store.put(contents);
            files.put(file, stored);
            return stored;
        } catch (FileException e) {
            throw new IOException(file + ": " + e.failure().message(), e);
        }
    }

    /** Leaves the cluster, or destroys all containers, within a bound. */
    @Override
    public void close() {
        system.terminate();
        system.getWhenTerminated()
                .toCompletableFuture()
                .completeOnTimeout(Done.getInstance(), END_LIMIT.toSeconds(), TimeUnit.SECONDS)
                .join();
    }
}
