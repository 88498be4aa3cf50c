// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.supervisor.CloisterSettings;
import io.cloister.supervisor.io.FileException;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.pool.ContainerSupervisor;
import io.cloister.supervisor.run.RunService;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** A worker in this process, without a cluster, for as long as the judging takes. */
public final class LocalWorker implements RunSender {
    /** Beyond the worker's own deadlines: it answers before. */
    private static final Duration MARGIN = Duration.ofMinutes(2);

    private static final Duration END_LIMIT = Duration.ofSeconds(20);

    private final ActorSystem<Void> system;
    private final FileStore store;
    private final ActorRef<RunService.Command> runs;
    private final Map<Path, Content.Stored> files = new ConcurrentHashMap<>();

    private LocalWorker(Config config) {
        CloisterSettings settings = CloisterSettings.from(config);
        system = ActorSystem.create(Behaviors.empty(), "cloister-judge", config);
        store = new FileStore(settings.store());
        ActorRef<ContainerSupervisor.Command> containers =
                spawn(ContainerSupervisor.create(settings), "containers");
        runs = spawn(RunService.create(settings, store, containers), "runs");
    }

    private <M> ActorRef<M> spawn(Behavior<M> behavior, String name) {
        return system.systemActorOf(
                behavior, name, DispatcherSelector.fromConfig(ContainerSupervisor.DISPATCHER));
    }

    /**
     * Starts one.
     *
     * @param config the settings of Cloister and Akka, over their defaults
     * @param containers how many programs may run at once
     */
    public static LocalWorker start(Config config, int containers) {
        Map<String, ?> sizes =
                Map.of(
                        "cloister.containers.warm",
                        containers,
                        // one that is in use and one that gets ready, for each
                        "cloister.containers.max",
                        2 * containers);
        return new LocalWorker(
                ConfigFactory.defaultOverrides()
                        .withFallback(ConfigFactory.parseMap(sizes, "number of containers"))
                        .withFallback(config)
                        .withFallback(ConfigFactory.defaultReference())
                        .resolve());
    }

    @Override
    public CompletionStage<RunResult> run(Run run) {
        Duration longest = Duration.ZERO;
        for (Program program : run.programs()) {
            Duration limit = program.limits().wallTime();
            longest = limit.compareTo(longest) > 0 ? limit : longest;
        }
        return AskPattern.ask(
                runs,
                replyTo -> new RunService.Submit(run, replyTo),
                longest.plus(MARGIN),
                system.scheduler());
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

    /** Destroys all containers, within a bound; what is left then dies with this process. */
    @Override
    public void close() {
        system.terminate();
        system.getWhenTerminated()
                .toCompletableFuture()
                .completeOnTimeout(akka.Done.getInstance(), END_LIMIT.toSeconds(), TimeUnit.SECONDS)
                .join();
        store.close();
    }
}
