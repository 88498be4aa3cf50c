// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.Behaviors;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.cloister.nativeio.fd.Fd;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.message.PingReply;
import io.cloister.protocol.message.Pong;
import io.cloister.protocol.message.ResetDone;
import io.cloister.protocol.message.ResetReply;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Termination;
import io.cloister.supervisor.CloisterSettings;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.container.OpenReply;
import io.cloister.supervisor.container.Opened;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.pool.ContainerSupervisor;
import io.cloister.supervisor.run.RunService;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** A judge worker without a cluster: containers, and the clients that ask things of them. */
final class Worker implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofMinutes(2);

    private final ActorSystem<Void> system;
    private final CloisterSettings settings;
    private final ActorRef<ContainerSupervisor.Command> containers;
    private final ActorRef<Client.Command> client;
    private final FileStore store;
    private final ActorRef<RunService.Command> runs;

    private Worker(Config config) {
        system = ActorSystem.create(Behaviors.empty(), "cloister-bench", config);
        settings = CloisterSettings.from(config);
        containers = spawn(ContainerSupervisor.create(settings), "containers");
        client = newClient("client");
        store = new FileStore(settings.store());
        runs = spawn(RunService.create(settings, store, containers), "runs");
    }

    private <M> ActorRef<M> spawn(Behavior<M> behavior, String name) {
        return system.systemActorOf(
                behavior, name, DispatcherSelector.fromConfig(ContainerSupervisor.DISPATCHER));
    }

    /**
     * Starts one.
     *
     * @param containers how many there can be at once
     */
    static Worker start(int containers) {
        return start(containers, 0);
    }

    /**
     * Starts one.
     *
     * @param containers how many there can be at once
     * @param warm how many are kept ready
     */
    static Worker start(int containers, int warm) {
        return start(containers, warm, "");
    }

    /** One whose containers are those of the service at a socket. */
    static Worker start(Path socket) {
        return start(
                2, 0, "cloister { transport = socket, socket.path = \"%s\" }".formatted(socket));
    }

    private static Worker start(int containers, int warm, String more) {
        Config config =
                ConfigFactory.parseString(
                                """
                                akka.actor.provider = local
                                cloister.containers { max = %d, warm = %d }
                                %s
                                """
                                        .formatted(containers, warm, more))
                        .withFallback(ConfigFactory.load());
        return new Worker(config);
    }

    /** What the containers are like. */
    ContainerConfig config() {
        return settings.standard();
    }

    ActorRef<Client.Command> newClient(String name) {
        return spawn(Client.create(), name);
    }

    /** For what is not measured. */
    static void untimed(long nanos) {}

    // ---- requests ---------------------------------------------------------------------------

    /** Creates a configured container. */
    ContainerSupervisor.Lease create(LongConsumer times) throws Exception {
        return (ContainerSupervisor.Lease)
                series(
                        client,
                        ContainerSupervisor.AcquireReply.class,
                        replyTo ->
                                containers.tell(
                                        new ContainerSupervisor.Create(
                                                settings.standard(), Optional.empty(), replyTo)),
                        ContainerSupervisor.Lease.class::isInstance,
                        1,
                        times);
    }

    /** Gives a created container back, which is its end, and waits for that. */
    void destroy(ContainerSupervisor.Lease lease) throws Exception {
        CompletableFuture<Boolean> gone = new CompletableFuture<>();
        client.tell(new Client.Watch(lease.container(), gone));
        containers.tell(new ContainerSupervisor.Release(lease));
        await(gone);
    }

    void ping(ContainerSupervisor.Lease lease, int count, LongConsumer times) throws Exception {
        series(
                client,
                PingReply.class,
                replyTo -> lease.container().tell(new Container.Ping(replyTo)),
                Pong.class::isInstance,
                count,
                times);
    }

    void reset(ContainerSupervisor.Lease lease, int count, LongConsumer times) throws Exception {
        series(
                client,
                ResetReply.class,
                replyTo -> lease.container().tell(new Container.Reset(replyTo)),
                ResetDone.class::isInstance,
                count,
                times);
    }

    /** Runs a program that comes with no descriptors. */
    void execute(ContainerSupervisor.Lease lease, Execve request, LongConsumer times)
            throws Exception {
        execute(lease, request, ExecveDescriptors::none, times);
    }

    /** Runs a program with descriptors that each run gets anew. */
    void execute(
            ContainerSupervisor.Lease lease,
            Execve request,
            Supplier<ExecveDescriptors> descriptors,
            LongConsumer times)
            throws Exception {
        await(executions(client, lease, request, descriptors, 1, times));
    }

    /** Runs a program again and again, as one user of perhaps several. */
    CompletableFuture<ExecveReply> executions(
            ActorRef<Client.Command> user,
            ContainerSupervisor.Lease lease,
            Execve request,
            int count) {
        return executions(user, lease, request, ExecveDescriptors::none, count, Worker::untimed);
    }

    private static CompletableFuture<ExecveReply> executions(
            ActorRef<Client.Command> user,
            ContainerSupervisor.Lease lease,
            Execve request,
            Supplier<ExecveDescriptors> descriptors,
            int count,
            LongConsumer times) {
        return begin(
                user,
                ExecveReply.class,
                replyTo ->
                        lease.container()
                                .tell(new Container.Execute(request, descriptors.get(), replyTo)),
                Worker::endedWell,
                count,
                times);
    }

    private static boolean endedWell(ExecveReply reply) {
        return reply instanceof ExecveResult result
                && result.termination().equals(new Termination.Exited(0));
    }

    // ---- runs -------------------------------------------------------------------------------

    /** Carries out a run that ends well, as one user of perhaps several. */
    CompletableFuture<RunResult> runs(
            ActorRef<Client.Command> user, Run run, int count, LongConsumer times) {
        return begin(
                user,
                RunResult.class,
                replyTo -> runs.tell(new RunService.Submit(run, replyTo)),
                result -> result.results().getFirst().status() == Status.OK,
                count,
                times);
    }

    void run(Run run, LongConsumer times) throws Exception {
        await(runs(client, run, 1, times));
    }

    /** Carries out a run, whatever comes of it. */
    ProgramOutcome outcome(Run run) throws Exception {
        RunResult result =
                series(
                        client,
                        RunResult.class,
                        replyTo -> runs.tell(new RunService.Submit(run, replyTo)),
                        any -> true,
                        1,
                        Worker::untimed);
        return result.results().getFirst();
    }

    /** Puts an executable into a container. */
    void install(ContainerSupervisor.Lease lease, Path program, String as) throws Exception {
        OpenReply reply =
                series(
                        client,
                        OpenReply.class,
                        replyTo ->
                                lease.container()
                                        .tell(
                                                new Container.OpenFiles(
                                                        Open.of(OpenFile.create(as, 0755)),
                                                        replyTo)),
                        answer -> answer instanceof Opened opened && opened.errors().isEmpty(),
                        1,
                        Worker::untimed);
        try (Opened opened = (Opened) reply) {
            for (Fd file : opened.files().values()) {
                file.write(Files.readAllBytes(program));
            }
        }
    }

    /** Opens a file, and closes it. */
    void open(ContainerSupervisor.Lease lease, String path, LongConsumer times) throws Exception {
        OpenReply reply =
                series(
                        client,
                        OpenReply.class,
                        replyTo ->
                                lease.container()
                                        .tell(
                                                new Container.OpenFiles(
                                                        Open.of(OpenFile.read(path)), replyTo)),
                        answer -> answer instanceof Opened opened && opened.errors().isEmpty(),
                        1,
                        times);
        ((Opened) reply).close();
    }

    // ---- conversation -----------------------------------------------------------------------

    private static <R> R series(
            ActorRef<Client.Command> user,
            Class<R> replyType,
            Consumer<ActorRef<R>> send,
            Predicate<R> fits,
            int count,
            LongConsumer times)
            throws Exception {
        return await(begin(user, replyType, send, fits, count, times));
    }

    private static <R> CompletableFuture<R> begin(
            ActorRef<Client.Command> user,
            Class<R> replyType,
            Consumer<ActorRef<R>> send,
            Predicate<R> fits,
            int count,
            LongConsumer times) {
        CompletableFuture<R> end = new CompletableFuture<>();
        user.tell(new Client.Series<>(replyType, send, fits, count, times, end));
        return end;
    }

    /** Waits for what a client was asked. */
    static <R> R await(CompletableFuture<R> future)
            throws InterruptedException, TimeoutException, ExecutionException {
        return future.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    }

    @Override
    public void close() throws Exception {
        system.terminate();
        system.getWhenTerminated().toCompletableFuture().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        store.close();
    }
}
