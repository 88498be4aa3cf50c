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
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.supervisor.CloisterSettings;
import io.cloister.supervisor.pool.ContainerSupervisor;
import io.cloister.supervisor.run.ContainerException;
import io.cloister.supervisor.run.ContainerSession;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A judge worker inside this process: an actor system with a {@link ContainerSupervisor}, for as
 * long as one command takes. Its settings are those of reference.conf, changed by cli.conf and by
 * the command, and above all by system properties ({@code -Dcloister.…}).
 */
final class EmbeddedWorker implements AutoCloseable {
    private static final String NAME = "cloister";
    private static final Duration START_LIMIT = Duration.ofSeconds(30);
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(10);
    private static final Duration END_LIMIT = Duration.ofSeconds(10);

    private final ActorSystem<Void> system;
    private final CloisterSettings settings;
    private final ActorRef<ContainerSupervisor.Command> supervisor;
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile boolean interrupted;

    private EmbeddedWorker(
            ActorSystem<Void> system,
            CloisterSettings settings,
            ActorRef<ContainerSupervisor.Command> supervisor) {
        this.system = system;
        this.settings = settings;
        this.supervisor = supervisor;
    }

    /** A worker without a cluster: it starts faster. */
    static EmbeddedWorker local(Map<String, ?> overrides) throws IOException, InterruptedException {
        return start(overrides, false);
    }

    /** A worker that is the only node of a cluster, reachable from nowhere. */
    static EmbeddedWorker clustered(Map<String, ?> overrides)
            throws IOException, InterruptedException {
        return start(overrides, true);
    }

    private static EmbeddedWorker start(Map<String, ?> overrides, boolean clustered)
            throws IOException, InterruptedException {
        Config config = config(overrides, clustered);
        CloisterSettings settings = CloisterSettings.from(config);
        CompletableFuture<ActorRef<ContainerSupervisor.Command>> ready = new CompletableFuture<>();
        ActorSystem<Void> system =
                ActorSystem.create(guardian(settings, clustered, ready), NAME, config);
        try {
            // if the guardian ends before it was ready, the worker did not start
            CompletionStage<Void> unused =
                    system.getWhenTerminated()
                            .thenAccept(done ->
                                    ready.completeExceptionally(
                                            new IllegalStateException("its actors have stopped")));
            EmbeddedWorker worker =
                    new EmbeddedWorker(
                            system, settings, ready.get(START_LIMIT.toSeconds(), TimeUnit.SECONDS));
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
            boolean clustered,
            CompletableFuture<ActorRef<ContainerSupervisor.Command>> ready) {
        return Behaviors.<Object>setup(
                        context -> {
                            ActorRef<ContainerSupervisor.Command> supervisor =
                                    context.spawn(
                                            ContainerSupervisor.create(settings),
                                            "containers",
                                            DispatcherSelector.fromConfig(
                                                    ContainerSupervisor.DISPATCHER));
                            context.watch(supervisor);
                            if (clustered) {
                                join(context);
                            } else {
                                ready.complete(supervisor);
                            }
                            return Behaviors.receive(Object.class)
                                    .onMessage(
                                            SelfUp.class,
                                            up -> {
                                                ready.complete(supervisor);
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

    /** Takes a container of the standard configuration from the pool. */
    ContainerSession acquire() throws ContainerException, InterruptedException {
        return ContainerSession.acquire(system, supervisor);
    }

    /** Makes a container of this configuration. */
    ContainerSession create(ContainerConfig config)
            throws ContainerException, InterruptedException {
        return ContainerSession.create(system, supervisor, config);
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
                        supervisor, ContainerSupervisor.Drain::new, DRAIN_LIMIT, system.scheduler())
                .handle((drained, failure) -> drained)
                .toCompletableFuture()
                .join();
        system.terminate();
        system.getWhenTerminated()
                .toCompletableFuture()
                .completeOnTimeout(akka.Done.getInstance(), END_LIMIT.toSeconds(), TimeUnit.SECONDS)
                .join();
    }
}
