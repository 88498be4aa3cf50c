// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import akka.actor.AddressFromURIString;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import io.cloister.nativeio.libc.LibC;
import io.cloister.protocol.run.Run;
import io.cloister.supervisor.cluster.Cloister;
import io.cloister.supervisor.cluster.ClusterView;
import io.cloister.supervisor.cluster.RunReply;
import io.cloister.supervisor.cluster.Terms;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/** A cluster of several JVMs on this machine, with this one for a client; skipped but for root. */
final class JudgeCluster implements AutoCloseable {
    static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration LOOK = Duration.ofSeconds(3);

    private final Path directory;
    private final Optional<ChildJvm.User> user;
    private final List<ChildJvm> nodes = new ArrayList<>();
    private final List<ServiceProcess> services = new ArrayList<>();
    private final String[] clientSettings;
    private Optional<ActorSystem<Void>> client = Optional.empty();
    private Optional<String> first = Optional.empty();

    /** A cluster without nodes, which are children of this JVM. */
    JudgeCluster(Path directory, String... clientSettings) {
        this(directory, Optional.empty(), clientSettings);
    }

    private JudgeCluster(Path directory, Optional<ChildJvm.User> user, String... clientSettings) {
        assumeTrue(LibC.geteuid() == 0, "ranges of ids need root");
        this.directory = directory;
        this.user = user;
        this.clientSettings = clientSettings;
    }

    /**
     * The same whose nodes are an ordinary user's, without any capability: each worker has its
     * containers of a service of its own, as if it were alone on a host.
     */
    static JudgeCluster of(ChildJvm.User user, Path directory, String... clientSettings)
            throws IOException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
        return new JudgeCluster(directory, Optional.of(user), clientSettings);
    }

    /** Starts a worker that may have the queue; the first one has it. */
    Node worker(int slots, String... settings) throws Exception {
        if (user.isEmpty()) {
            return start(concat(ClusterConfig.worker(directory, slots), settings));
        }
        ServiceProcess service =
                ServiceProcess.start(
                        directory,
                        "host-" + services.size(),
                        ClusterConfig.service(directory, slots, user.get().uid()));
        services.add(service);
        Node node = start(concat(ClusterConfig.workerOf(service, slots), settings));
        return new Node(node.jvm(), node.address(), node.settings(), Optional.of(service));
    }

    private static List<String> concat(List<String> settings, String[] more) {
        return Stream.concat(settings.stream(), Arrays.stream(more)).toList();
    }

    /** Starts a node; it has joined when it is returned. */
    Node start(List<String> settings) throws Exception {
        return start(List.of(), settings);
    }

    /**
     * Starts a node; it has joined when it is returned.
     *
     * @param by a command that becomes the one it is given
     */
    Node start(List<String> by, List<String> settings) throws Exception {
        ChildJvm jvm =
                user.isEmpty()
                        ? ChildJvm.start(by, NodeProcess.class, directory, settings)
                        : ChildJvm.start(
                                user.get().command(),
                                NodeProcess.class,
                                directory,
                                user.get().classPath(),
                                settings);
        nodes.add(jvm);
        String address = jvm.listen();
        first = Optional.of(first.orElse(address));
        // the client stays, whatever becomes of the nodes
        String member =
                client.map(system -> Cluster.get(system).selfMember().address().toString())
                        .orElse(seed());
        assertThat(jvm.ask("join " + member)).as(jvm.log()).isEqualTo("up");
        return new Node(jvm, address, settings, Optional.empty());
    }

    /** Starts a node that has the queue as long as it lives, and no containers. */
    Node queue(String... settings) throws Exception {
        return start(concat(List.of("akka.cluster.roles = [ cloister-queue ]"), settings));
    }

    /** Starts a worker that never has the queue. */
    Node workerOnly(int slots, String... settings) throws Exception {
        return worker(
                slots,
                concat(List.of("akka.cluster.roles = [ cloister-worker ]"), settings)
                        .toArray(String[]::new));
    }

    /** Starts a node again that was killed, at the same address, which the cluster notices. */
    Node startAgain(Node killed) throws Exception {
        int port = AddressFromURIString.parse(killed.address()).getPort().orElseThrow();
        List<String> settings = new ArrayList<>(killed.settings());
        settings.add("akka.remote.artery.canonical.port = " + port);
        return start(settings);
    }

    /**
     * A node in a JVM of its own.
     *
     * @param service that its containers are of, if they are not its own
     */
    record Node(
            ChildJvm jvm, String address, List<String> settings, Optional<ServiceProcess> service) {
        /** Those of its containers. */
        List<HostProcesses.Seen> processes() throws IOException {
            return service.isPresent()
                    ? service.get().descendants()
                    : HostProcesses.descendants(jvm.process().pid());
        }

        /** As if by kill -9: nothing of it is done any more. */
        void kill() {
            jvm.close();
        }

        /** Takes leave of the cluster, and ends when it is through with what it has. */
        void leave() throws InterruptedException {
            assertThat(jvm.ask("leave")).as(jvm.log()).isEqualTo("terminated");
            jvm.close();
        }
    }

    /** Waits until the queue shows what is expected. */
    void await(Predicate<ClusterView> expected) {
        Awaitility.await()
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(100))
                .ignoreExceptionsInstanceOf(ExecutionException.class) // while the queue moves
                .until(this::view, expected);
    }

    /** The address of the node that was started first. */
    String seed() {
        return first.orElseThrow();
    }

    /** This JVM as a node; it joins when it is asked for first. */
    Cloister client() {
        return Cloister.get(system());
    }

    ActorSystem<Void> system() {
        if (client.isEmpty()) {
            ActorSystem<Void> system =
                    ActorSystem.create(
                            Behaviors.empty(),
                            ClusterConfig.SYSTEM,
                            ClusterConfig.client(clientSettings));
            client = Optional.of(system);
            Cluster.get(system).manager().tell(Join.create(AddressFromURIString.parse(seed())));
        }
        return client.get();
    }

    /** Waits until so many workers offer slots. */
    void awaitWorkers(int count) {
        Awaitility.await()
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(100))
                .ignoreExceptionsInstanceOf(ExecutionException.class)
                .untilAsserted(() ->
                        assertThat(view().workers())
                                .filteredOn(
                                        worker -> worker.condition() == ClusterView.Condition.READY)
                                .hasSize(count));
    }

    ClusterView view() throws Exception {
        return client().look(LOOK)
                .toCompletableFuture()
                .get(LOOK.toSeconds() + 1, TimeUnit.SECONDS);
    }

    CompletionStage<RunReply> submit(Run run, String tenant, Terms terms) {
        return client().submit(run, tenant, terms);
    }

    /** Submits {@link Echo} runs and returns what is to be told of each. */
    List<CompletableFuture<String>> echo(String prefix, int count, String seconds) {
        List<CompletableFuture<String>> replies = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String id = prefix + i;
            replies.add(
                    submit(Echo.run(id, seconds), "tests", Echo.TERMS)
                            .thenApply(reply -> Echo.describe(id, reply))
                            .toCompletableFuture());
        }
        return replies;
    }

    /** Each was answered, and rightly. */
    static void assertRight(List<CompletableFuture<String>> replies, String prefix)
            throws Exception {
        for (int i = 0; i < replies.size(); i++) {
            try {
                assertThat(replies.get(i).get(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                        .isEqualTo("right " + prefix + i);
            } catch (TimeoutException e) {
                throw new AssertionError(prefix + i + " was not answered", e);
            }
        }
    }

    @Override
    public void close() {
        try {
            client.ifPresent(system -> {
                system.terminate();
                system.getWhenTerminated().toCompletableFuture().join();
            });
        } finally {
            nodes.forEach(ChildJvm::close);
            services.forEach(ServiceProcess::close);
        }
    }
}
