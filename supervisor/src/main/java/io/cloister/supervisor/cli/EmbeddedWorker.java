// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import akka.cluster.typed.SelfUp;
import akka.cluster.typed.Subscribe;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.cloister.nativeio.fd.Fd;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.supervisor.CloisterSettings;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.pool.ContainerSupervisor;
import io.cloister.supervisor.run.ContainerException;
import io.cloister.supervisor.run.ContainerSession;
import io.cloister.supervisor.run.RunService;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;

/**
 * A judge worker inside this process: an actor system with a {@link ContainerSupervisor}, for as
 * long as one command takes. Its settings are those of reference.conf, changed by cli.conf and by
 * the command, and above all by system properties ({@code -Dcloister.…}).
 */
final class EmbeddedWorker implements AutoCloseable {
    private static final String NAME = "cloister";
    private static final Duration START_LIMIT = Duration.ofSeconds(30);
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(10);

    /** Beyond all deadlines of the worker's, which answers before: see reference.conf. */
    private static final Duration MARGIN = Duration.ofMinutes(2);

    private static final Duration END_LIMIT = Duration.ofSeconds(10);

    private final ActorSystem<Void> system;
    private final CloisterSettings settings;
    private final Actors actors;
    private final FileStore store;
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile boolean interrupted;

    private record Actors(
            ActorRef<ContainerSupervisor.Command> supervisor, ActorRef<RunService.Command> runs) {}

    private EmbeddedWorker(
            ActorSystem<Void> system, CloisterSettings settings, Actors actors, FileStore store) {
        this.system = system;
        this.settings = settings;
        this.actors = actors;
        this.store = store;
    }

    /** A worker without a cluster: it starts faster. */
    static EmbeddedWorker local(Map<String, ?> overrides) throws IOException, InterruptedException {
        return local(overrides, standard -> standard);
    }

    /** The same with another shape of its containers. */
    static EmbeddedWorker local(Map<String, ?> overrides, UnaryOperator<ContainerConfig> shape)
            throws IOException, InterruptedException {
        return start(overrides, shape, false);
    }

    /** A worker that is the only node of a cluster, reachable from nowhere. */
    static EmbeddedWorker clustered(Map<String, ?> overrides)
            throws IOException, InterruptedException {
        return start(overrides, standard -> standard, true);
    }

    private static EmbeddedWorker start(
            Map<String, ?> overrides, UnaryOperator<ContainerConfig> shape, boolean clustered)
            throws IOException, InterruptedException {
        Config config = config(overrides, clustered);
        CloisterSettings host = CloisterSettings.from(config);
        CloisterSettings settings = host.withStandard(shape.apply(host.standard()));
        ContainerSupervisor.check(settings);
        FileStore store = new FileStore(settings.store());
        CompletableFuture<Actors> ready = new CompletableFuture<>();
        ActorSystem<Void> system =
                ActorSystem.create(guardian(settings, store, clustered, ready), NAME, config);
        try {
            // if the guardian ends before it was ready, the worker did not start
            CompletionStage<Void> unused =
                    system.getWhenTerminated()
                            .thenAccept(done ->
                                    ready.completeExceptionally(
                                            new IllegalStateException("its actors have stopped")));
            EmbeddedWorker worker =
                    new EmbeddedWorker(
                            system,
                            settings,
                            ready.get(START_LIMIT.toSeconds(), TimeUnit.SECONDS),
                            store);
            Runtime.getRuntime().addShutdownHook(new Thread(worker::interrupt, "end-of-worker"));
            return worker;
        } catch (ExecutionException | TimeoutException e) {
            system.terminate();
            throw new IOException("the worker did not start: " + e, e);
        } catch (InterruptedException e) {
            system.terminate();
            throw e;
        }
    }

    static Config config(Map<String, ?> overrides, boolean clustered) {
        return ConfigFactory.defaultOverrides()
                .withFallback(ConfigFactory.parseMap(overrides, "command line"))
                .withFallback(
                        ConfigFactory.parseMap(
                                Map.of("akka.actor.provider", clustered ? "cluster" : "local"),
                                "command line"))
                .withFallback(ConfigFactory.parseResources("cli.conf"))
                .withFallback(ConfigFactory.defaultReference())
                .resolve();
    }

    private static Behavior<Void> guardian(
            CloisterSettings settings,
            FileStore store,
            boolean clustered,
            CompletableFuture<Actors> ready) {
        return Behaviors.<Object>setup(
                        context -> {
                            DispatcherSelector dispatcher =
                                    DispatcherSelector.fromConfig(ContainerSupervisor.DISPATCHER);
                            ActorRef<ContainerSupervisor.Command> supervisor =
                                    context.spawn(
                                            ContainerSupervisor.create(settings),
                                            "containers",
                                            dispatcher);
                            context.watch(supervisor);
                            Actors actors =
                                    new Actors(
                                            supervisor,
                                            context.spawn(
                                                    RunService.create(settings, store, supervisor),
                                                    "runs",
                                                    dispatcher));
                            if (clustered) {
                                join(context);
                            } else {
                                ready.complete(actors);
                            }
                            return Behaviors.receive(Object.class)
                                    .onMessage(
                                            SelfUp.class,
                                            up -> {
                                                ready.complete(actors);
                                                return Behaviors.same();
                                            })
                                    .onSignal(Terminated.class, gone -> Behaviors.stopped())
                                    .build();
                        })
                .narrow();
    }

    private static void join(ActorContext<Object> context) {
        Cluster cluster = Cluster.get(context.getSystem());
        cluster.subscriptions().tell(Subscribe.create(context.getSelf().narrow(), SelfUp.class));
        cluster.manager().tell(Join.create(cluster.selfMember().address()));
    }

    CloisterSettings settings() {
        return settings;
    }

    /** Makes a container of this configuration. */
    ContainerSession create(ContainerConfig config)
            throws ContainerException, InterruptedException {
        return ContainerSession.create(system, actors.supervisor(), config);
    }

    /** Carries a run out; the answer comes on one of the worker's own threads. */
    CompletionStage<RunResult> run(Run run) {
        return run(run, Map.of());
    }

    /**
     * The same with given streams.
     *
     * @param given the worker's from now on
     */
    CompletionStage<RunResult> run(Run run, Map<PipeLink.End, Fd> given) {
        Duration longest =
                run.programs().stream()
                        .map(program -> program.limits().wallTime())
                        .max(Duration::compareTo)
                        .orElseThrow();
        return AskPattern.ask(
                actors.runs(),
                replyTo -> new RunService.Submit(run, given, replyTo),
                longest.plus(MARGIN),
                system.scheduler());
    }

    /** Ends a run; it is answered. */
    void cancel(String id) {
        actors.runs().tell(new RunService.Cancel(id));
    }

    /** Whether a signal is ending this process: what containers answer then means nothing. */
    boolean isInterrupted() {
        return interrupted;
    }

    /** The JVM ends, because all is done or because of a signal such as that of Ctrl-C. */
    private void interrupt() {
        interrupted = true;
        close();
    }

    /**
     * Destroys all containers and ends the worker, within a bound; what would be left then dies
     * with this process. Only the first call does anything.
     */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        AskPattern.<ContainerSupervisor.Command, ContainerSupervisor.Drained>ask(
                        actors.supervisor(),
                        ContainerSupervisor.Drain::new,
                        DRAIN_LIMIT,
                        system.scheduler())
                .handle((drained, failure) -> drained)
                .toCompletableFuture()
                .join();
        system.terminate();
        system.getWhenTerminated()
                .toCompletableFuture()
                .completeOnTimeout(akka.Done.getInstance(), END_LIMIT.toSeconds(), TimeUnit.SECONDS)
                .join();
        store.close();
    }
}
