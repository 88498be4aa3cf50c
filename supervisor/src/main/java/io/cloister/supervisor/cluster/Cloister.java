// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.Extension;
import akka.actor.typed.ExtensionId;
import akka.actor.typed.Props;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.ClusterSingleton;
import akka.cluster.typed.ClusterSingletonSettings;
import akka.cluster.typed.SingletonActor;
import com.typesafe.config.Config;
import io.cloister.protocol.run.Run;
import io.cloister.supervisor.CloisterSettings;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.pool.ContainerSupervisor;
import io.cloister.supervisor.run.RunService;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * Cloister on an actor system, for the common case: started by its settings and the node's roles
 * when it is first asked for.
 *
 * <pre>
 * no cluster                      containers and {@link #runs} of this node
 * role cloister-worker            the same, and they carry out the cluster's runs
 * role cloister-queue             may have the cluster's queue
 * every node of a cluster         {@link #submit}
 * </pre>
 *
 * <p>Whoever wants another arrangement, such as two supervisors in one system, spawns the
 * behaviours themselves: {@link ContainerSupervisor}, {@link RunService}, {@link WorkerNode},
 * {@link RunQueue}, {@link RunClient}. Thread-safe.
 */
public final class Cloister implements Extension {
    private static final Id ID = new Id();

    /** A run is answered soon after its deadline at the latest. */
    private static final Duration MARGIN = Duration.ofSeconds(30);

    private final ActorSystem<?> system;
    private final FileStore store;
    private final Optional<ActorRef<RunService.Command>> runs;
    private final Optional<ActorRef<RunQueue.Command>> queue;
    private final Optional<ActorRef<RunClient.Command>> client;

    private static final class Id extends ExtensionId<Cloister> {
        @Override
        public Cloister createExtension(ActorSystem<?> system) {
            return new Cloister(system);
        }
    }

    private Cloister(ActorSystem<?> system) {
        this.system = system;
        Config config = system.settings().config();
        CloisterSettings settings = CloisterSettings.from(config);
        ClusterSettings cluster = ClusterSettings.from(config);
        store = new FileStore(settings.store());
        system.getWhenTerminated().thenRun(store::close);
        boolean clustered = config.getString("akka.actor.provider").equals("cluster");
        boolean worker =
                !clustered || Cluster.get(system).selfMember().hasRole(cluster.workerRole());
        if (worker) {
            ContainerSupervisor.check(settings);
        }
        DispatcherSelector dispatcher =
                DispatcherSelector.fromConfig(ContainerSupervisor.DISPATCHER);
        if (worker) {
            ActorRef<ContainerSupervisor.Command> supervisor =
                    system.systemActorOf(
                            ContainerSupervisor.create(settings),
                            "cloister-containers",
                            dispatcher);
            runs =
                    Optional.of(
                            system.systemActorOf(
                                    RunService.create(settings, store, supervisor),
                                    "cloister-runs",
                                    dispatcher));
        } else {
            runs = Optional.empty();
        }
        if (!clustered) {
            queue = Optional.empty();
            client = Optional.empty();
            return;
        }
        // Where their messages come from, so that these wake no other thread.
        DispatcherSelector here =
                worker
                        ? dispatcher
                        : DispatcherSelector.fromConfig(
                                config.getString("akka.remote.artery.advanced.use-dispatcher"));
        ActorRef<FileServer.Command> files =
                system.systemActorOf(
                        restarted(FileServer.create(store)), "cloister-files", Props.empty());
        ActorRef<FileFetch.Command> fetch =
                system.systemActorOf(
                        restarted(FileFetch.create(store, cluster.filesTimeout())),
                        "cloister-fetch",
                        Props.empty());
        ActorRef<RunQueue.Command> proxy =
                ClusterSingleton.get(system)
                        .init(
                                SingletonActor.of(
                                                RunQueue.singleton(cluster.queue()),
                                                "cloister-queue")
                                        .withProps(here)
                                        .withSettings(
                                                ClusterSingletonSettings.create(system)
                                                        .withRole(cluster.queueRole())));
        queue = Optional.of(proxy);
        client =
                Optional.of(
                        system.systemActorOf(
                                restarted(
                                        RunClient.create(
                                                proxy,
                                                files,
                                                store,
                                                fetch,
                                                cluster.clientResend())),
                                "cloister-client",
                                here));
        runs.ifPresent(service ->
                system.systemActorOf(
                        WorkerNode.keep(
                                cluster,
                                new WorkerNode.Services(settings, store, service, files, fetch)),
                        "cloister-worker",
                        dispatcher));
    }

    private static <T> Behavior<T> restarted(Behavior<T> behavior) {
        return Behaviors.supervise(behavior).onFailure(SupervisorStrategy.restart());
    }

    /**
     * That of a system; starts it when it is asked for first.
     *
     * @throws IllegalStateException when the node is a worker and this machine cannot follow its
     *     settings, as {@link ContainerSupervisor#check} says
     */
    public static Cloister get(ActorSystem<?> system) {
        return system.registerExtension(ID);
    }

    /** This node's files: those that runs name by id, and those in their results. */
    public FileStore store() {
        return store;
    }

    /**
     * Carries out runs in this node's own containers, beside the cluster.
     *
     * @throws IllegalStateException if this node has none, for lack of the worker's role
     */
    public ActorRef<RunService.Command> runs() {
        return runs.orElseThrow(() ->
                new IllegalStateException(
                        "this node has no containers: give it the role of"
                                + " cloister.cluster.worker-role"));
    }

    /**
     * This node's client of the cluster.
     *
     * @throws IllegalStateException without a cluster
     */
    public ActorRef<RunClient.Command> client() {
        return client.orElseThrow(Cloister::noCluster);
    }

    private static IllegalStateException noCluster() {
        return new IllegalStateException("there is no cluster: set akka.actor.provider = cluster");
    }

    /**
     * Has a run carried out by some worker of the cluster. Ids are the tenant's own; the same run
     * submitted again under the same id, by any node, is carried out once.
     *
     * @param tenant on whose behalf: tenants have equal shares of the workers
     * @return what became of it, soon after its deadline at the latest
     */
    public CompletionStage<RunReply> submit(Run run, String tenant, Terms terms) {
        return AskPattern.ask(
                client(),
                replyTo -> new RunClient.Submit(run, tenant, terms, replyTo),
                terms.deadline().plus(MARGIN),
                system.scheduler());
    }

    /** Ends a run that this node submitted; it is answered. */
    public void cancel(String tenant, String id) {
        client().tell(new RunClient.Cancel(new RunKey(tenant, id)));
    }

    /** Looks at the cluster's queue and workers. */
    public CompletionStage<ClusterView> look(Duration timeout) {
        return AskPattern.ask(
                queue.orElseThrow(Cloister::noCluster),
                RunQueue.Look::new,
                timeout,
                system.scheduler());
    }
}
