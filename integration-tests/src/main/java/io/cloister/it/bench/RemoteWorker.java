// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import akka.actor.AddressFromURIString;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.supervisor.cluster.Cloister;
import io.cloister.supervisor.cluster.ClusterView;
import io.cloister.supervisor.cluster.RunReply;
import io.cloister.supervisor.cluster.Terms;
import io.cloister.supervisor.run.RunService;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/**
 * A worker of a cluster in a JVM of its own, and this JVM as its client: what is sent over the
 * loopback interface, and the same within the worker's JVM.
 */
final class RemoteWorker implements AutoCloseable {
    private static final String SYSTEM = "cloister-bench";
    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final Terms TERMS = new Terms(0, LIMIT, Set.of());
    private static final Path SENT = Path.of("/sys/class/net/lo/statistics/tx_bytes");

    private final Process process;
    private final Writer input;
    private final BufferedReader output;
    private final ActorSystem<Void> system;
    private final Cloister cloister;

    private RemoteWorker(Process process, int slots) throws Exception {
        this.process = process;
        input = process.outputWriter(StandardCharsets.UTF_8);
        output = process.inputReader(StandardCharsets.UTF_8);
        String address = String.valueOf(output.readLine());
        system = ActorSystem.create(Behaviors.empty(), SYSTEM, config(List.of()));
        Cluster.get(system).manager().tell(Join.create(AddressFromURIString.parse(address)));
        cloister = Cloister.get(system);
        long until = System.nanoTime() + LIMIT.toNanos();
        while (!isReady(slots)) {
            if (System.nanoTime() - until > 0) {
                throw new IllegalStateException("the worker at " + address + " offers no slots");
            }
            Thread.sleep(200);
        }
    }

    private boolean isReady(int slots) throws Exception {
        try {
            return look().workers().stream()
                    .anyMatch(worker -> worker.capabilities().slots() == slots);
        } catch (java.util.concurrent.ExecutionException notYet) {
            return false;
        }
    }

    /** What the queue has. */
    ClusterView look() throws Exception {
        return cloister.look(Duration.ofSeconds(3)).toCompletableFuture().get();
    }

    static RemoteWorker start(int slots) throws Exception {
        Process process = ChildJvm.start(RemoteWorker.class, Integer.toString(slots));
        try {
            return new RemoteWorker(process, slots);
        } catch (Exception e) {
            process.destroyForcibly();
            throw e;
        }
    }

    private static Config config(List<String> settings) {
        return ConfigFactory.parseString(String.join("\n", settings))
                .withFallback(
                        ConfigFactory.parseString(
                                """
                                akka.remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
                                akka.loglevel = WARNING
                                akka.log-dead-letters = off
                                akka.coordinated-shutdown.exit-jvm = off
                                """))
                .withFallback(ConfigFactory.parseResources("cloister-cluster.conf"))
                .withFallback(ConfigFactory.defaultReference())
                .resolve();
    }

    // ---- the client's side --------------------------------------------------------------------

    /** Has a run carried out over the network. */
    CompletionStage<RunReply> submit(Run run, String tenant) {
        return cloister.submit(run, tenant, TERMS)
                .thenApply(reply -> {
                    if (!(reply instanceof RunReply.Completed done) || !isOk(done.result())) {
                        throw new IllegalStateException("not carried out: " + reply);
                    }
                    return reply;
                });
    }

    /**
     * The median of runs within the worker's JVM, or the time that all of them take.
     *
     * @param atOnce how many are under way at a time
     */
    Local local(int runs, int atOnce) throws IOException {
        input.write(runs + " " + atOnce + "\n");
        input.flush();
        String[] times = String.valueOf(output.readLine()).split(" ");
        return new Local(Long.parseLong(times[0]), Long.parseLong(times[1]));
    }

    /** In nanoseconds. */
    record Local(long median, long all) {}

    /** CPU time that this JVM and the worker's have used: not that of the programs. */
    Duration cpuTime() {
        return cpuTime(ProcessHandle.current()).plus(cpuTime(process.toHandle()));
    }

    private static Duration cpuTime(ProcessHandle jvm) {
        return jvm.info().totalCpuDuration().orElse(Duration.ZERO);
    }

    /** Bytes that were sent over the loopback interface since the machine was started. */
    static long sent() throws IOException {
        return Long.parseLong(Files.readString(SENT).strip());
    }

    @Override
    public void close() throws Exception {
        system.terminate();
        system.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
        input.close();
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
            process.destroyForcibly();
        }
    }

    private static boolean isOk(RunResult result) {
        return result.results().getFirst().status() == Status.OK;
    }

    // ---- the worker's side --------------------------------------------------------------------

    /** Serves until the end of its input. */
    public static void main(String[] arguments) throws Exception {
        ActorSystem<Void> system =
                ActorSystem.create(
                        Behaviors.empty(),
                        SYSTEM,
                        config(
                                List.of(
                                        "akka.cluster.roles = [ cloister-worker, cloister-queue ]",
                                        "cloister.containers { max = %1$s, warm = %1$s }"
                                                .formatted(arguments[0]))));
        Cluster cluster = Cluster.get(system);
        cluster.manager().tell(Join.create(cluster.selfMember().address()));
        Cloister cloister = Cloister.get(system);
        System.out.println(cluster.selfMember().address());
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ");
            InFlight.Times times =
                    InFlight.measure(
                            Integer.parseInt(words[0]),
                            Integer.parseInt(words[1]),
                            i ->
                                    AskPattern.<RunService.Command, RunResult>ask(
                                            cloister.runs(),
                                            replyTo ->
                                                    new RunService.Submit(
                                                            Benchmarks.judgedTrue("local"),
                                                            replyTo),
                                            LIMIT,
                                            system.scheduler()));
            System.out.println(times.median() + " " + times.all());
        }
        system.terminate();
        system.getWhenTerminated().toCompletableFuture().get();
    }
}
