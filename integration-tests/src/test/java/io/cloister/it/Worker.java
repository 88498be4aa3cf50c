// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.AskPattern;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.cloister.nativeio.socket.PacketListener;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.supervisor.CloisterSettings;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.pool.ContainerSupervisor;
import io.cloister.supervisor.pool.ContainerSupervisor.Acquire;
import io.cloister.supervisor.pool.ContainerSupervisor.AcquireReply;
import io.cloister.supervisor.pool.ContainerSupervisor.Create;
import io.cloister.supervisor.pool.ContainerSupervisor.Drain;
import io.cloister.supervisor.pool.ContainerSupervisor.Drained;
import io.cloister.supervisor.pool.ContainerSupervisor.GetStatus;
import io.cloister.supervisor.pool.ContainerSupervisor.Lease;
import io.cloister.supervisor.pool.ContainerSupervisor.PoolStatus;
import io.cloister.supervisor.pool.ContainerSupervisor.Release;
import io.cloister.supervisor.run.RunService;
import io.cloister.supervisor.service.ContainerService;
import io.cloister.supervisor.service.ServiceSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Assumptions;

/**
 * A judge worker without a cluster, and everything one can ask of it: each method sends one message
 * and waits for the answer, at most {@link #PATIENCE}.
 */
public final class Worker implements AutoCloseable {
    /** Beyond every deadline of Cloister's own: an answer that takes longer was forgotten. */
    public static final Duration PATIENCE = Duration.ofSeconds(60);

    /** A small pool, so that tests begin soon; deadlines are those of reference.conf. */
    private static final String DEFAULTS =
            """
            akka.actor.provider = local
            akka.log-dead-letters = off
            akka.log-dead-letters-during-shutdown = off
            akka.coordinated-shutdown.run-by-jvm-shutdown-hook = off
            cloister.containers { max = 8, warm = 1, acquire-timeout = 20s }
            """;

    private static final AtomicInteger STARTED = new AtomicInteger();

    private final ActorTestKit kit;
    private final CloisterSettings settings;
    private final ActorRef<ContainerSupervisor.Command> supervisor;
    private final FileStore store;
    private final ActorRef<RunService.Command> runs;

    private Worker(
            Config config, Function<CloisterSettings, CloisterSettings> change, boolean serves) {
        kit = ActorTestKit.create("worker-" + STARTED.incrementAndGet(), config);
        if (serves) {
            serve(config);
        }
        settings = change.apply(CloisterSettings.from(config));
        supervisor = kit.spawn(ContainerSupervisor.create(settings), "supervisor");
        store = new FileStore(settings.store());
        runs =
                kit.spawn(
                        RunService.create(settings, store, supervisor),
                        "runs",
                        DispatcherSelector.fromConfig(ContainerSupervisor.DISPATCHER));
    }

    public static Worker start() {
        return start("");
    }

    /**
     * Starts one with settings of its own.
     *
     * @param settings HOCON over the defaults, such as {@code cloister.containers.warm = 0}
     */
    public static Worker start(String settings) {
        return start(settings, standard -> standard);
    }

    /** Starts one whose pooled containers have another configuration. */
    public static Worker start(
            String settings, Function<ContainerConfig, ContainerConfig> standard) {
        return new Worker(
                config(settings),
                known -> known.withStandard(standard.apply(known.standard())),
                false);
    }

    private static Config config(String settings) {
        return ConfigFactory.parseString(settings)
                .withFallback(ConfigFactory.parseString(DEFAULTS))
                .withFallback(ConfigFactory.defaultApplication())
                .withFallback(ConfigFactory.defaultReferenceUnresolved())
                .resolve();
    }

    /** The service that the worker's containers come from, in the same process. */
    private void serve(Config config) {
        ServiceSettings service = ServiceSettings.from(config);
        try {
            kit.spawn(
                    ContainerService.create(
                            service,
                            PacketListener.open(
                                    service.path(),
                                    service.mode(),
                                    service.owner(),
                                    service.group(),
                                    service.backlog())),
                    "service",
                    DispatcherSelector.fromConfig(ContainerSupervisor.DISPATCHER));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As {@link #start(String)}, with the containers of a service that somebody has started. */
    public static Worker startWith(Path socket, String settings) {
        return start(
                settings
                        + "\ncloister { transport = socket, socket.path = \"%s\" }"
                                .formatted(socket));
    }

    /** As {@link #start(String)}, with the containers of a service of its own at this path. */
    public static Worker startOverSocket(Path socket, String settings) {
        return startOverSocket(socket, settings, "");
    }

    /**
     * The same.
     *
     * @param service HOCON over the test's settings of the service
     */
    static Worker startOverSocket(Path socket, String settings, String service) {
        Config config =
                config(
                        settings
                                + """

                                cloister {
                                  transport = socket
                                  socket.path = "%1$s"
                                  service {
                                    socket.path = "%1$s"
                                    quota.memory = null
                                    profile-defaults {
                                      settings.containers { max = 16, warm = 0 }
                                      limits { wall-time = 24h, memory = null, processes = null }
                                      allow-less = true
                                      seccomp = [ default, "default:log", strict, none ]
                                    }
                                    %2$s
                                  }
                                }
                                """
                                        .formatted(socket, service));
        return new Worker(config, known -> known, true);
    }

    public CloisterSettings settings() {
        return settings;
    }

    /** The configuration of pooled containers: a start for others. */
    public ContainerConfig standard() {
        return settings.standard();
    }

    public ActorTestKit kit() {
        return kit;
    }

    public ActorRef<ContainerSupervisor.Command> supervisor() {
        return supervisor;
    }

    // ---- the supervisor ---------------------------------------------------------------------

    /** A container of the standard configuration from the pool. */
    public Leased acquire() {
        return leased(await(acquireLater(Optional.empty())));
    }

    public CompletionStage<AcquireReply> acquireLater(Optional<ActorRef<?>> owner) {
        return ask(supervisor, replyTo -> new Acquire(owner, replyTo));
    }

    /** A fresh container of another configuration. */
    public Leased create(ContainerConfig config) {
        return leased(tryCreate(config));
    }

    public AcquireReply tryCreate(ContainerConfig config) {
        Assumptions.assumeTrue(
                settings.socket().isEmpty() || config.equals(standard()),
                "how containers are made is the service's to say");
        return await(
                this.<ContainerSupervisor.Command, AcquireReply>ask(
                        supervisor, replyTo -> new Create(config, Optional.empty(), replyTo)));
    }

    public Leased leased(AcquireReply reply) {
        assertThat(reply).isInstanceOf(Lease.class);
        return new Leased(this, (Lease) reply);
    }

    public void release(Lease lease) {
        supervisor.tell(new Release(lease));
    }

    public PoolStatus status() {
        return await(this.<ContainerSupervisor.Command, PoolStatus>ask(supervisor, GetStatus::new));
    }

    /**
     * Waits until nobody waits and all containers are ready: as many as are to be kept warm, or
     * more that were in use. For a fixed number let {@code max} and {@code warm} be the same.
     */
    public void awaitCalm() {
        Waiting.until(() -> {
            PoolStatus status = status();
            assertThat(status.idle()).isGreaterThanOrEqualTo(settings.warmContainers());
            assertThat(status).isEqualTo(new PoolStatus(0, status.idle(), 0, 0, 0));
        });
    }

    /** Waits for calm with one container: of two, one is ended and perhaps replaced. */
    void awaitOne() {
        awaitCalm();
        if (status().idle() > 1) {
            create(standard()).endNow(); // takes the place of an idle one
            awaitCalm();
        }
    }

    /** The number of the first process of the one container that there is. */
    long oneInit() {
        awaitOne();
        try (Leased leased = acquire()) {
            return leased.lease().init();
        }
    }

    /** Ends all containers. */
    public void drain() {
        Drained drained =
                await(this.<ContainerSupervisor.Command, Drained>ask(supervisor, Drain::new));
        assertThat(drained).isNotNull();
    }

    // ---- runs -------------------------------------------------------------------------------

    public ActorRef<RunService.Command> runs() {
        return runs;
    }

    public FileStore store() {
        return store;
    }

    public RunResult run(Run run) {
        return await(runLater(run));
    }

    public CompletionStage<RunResult> runLater(Run run) {
        return ask(runs, replyTo -> new RunService.Submit(run, replyTo));
    }

    /** Runs one program. */
    public ProgramOutcome run(Program.Builder program) {
        return run(Run.of("run", program.build())).results().getFirst();
    }

    // ---- conversation -----------------------------------------------------------------------

    /** Asks anything of any actor; the answer must come within {@link #PATIENCE}. */
    public <C, R> CompletionStage<R> ask(ActorRef<C> actor, Function<ActorRef<R>, C> message) {
        return AskPattern.ask(actor, message::apply, PATIENCE, kit.scheduler());
    }

    /** A mailbox of one's own, for messages that are no answers or come twice. */
    public <M> TestProbe<M> probe(Class<M> type) {
        return kit.createTestProbe(type);
    }

    public static <R> R await(CompletionStage<R> answer) {
        try {
            return answer.toCompletableFuture().join();
        } catch (CompletionException e) {
            throw new AssertionError("no answer", e.getCause());
        }
    }

    /** Drains, as a worker does that is shut down in order, and ends the actor system. */
    @Override
    public void close() {
        kit.shutdownTestKit();
        store.close();
    }
}
