// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import akka.actor.typed.ActorRef;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.Linux;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.CopyOut;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Rlimits;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.cluster.ClusterView;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.pool.ContainerSupervisor.Lease;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/**
 * The measurements. Contenders take turns within one loop, so that whatever else the machine does
 * befalls each of them alike, and the first rounds are not counted.
 */
final class Benchmarks implements AutoCloseable {
    private static final String TRUE = "/bin/true";
    private static final String NOLIBC = "/w/true-nolibc";
    private static final int FILES = 1000;
    private static final int MORE_CONTAINERS = 100;
    private static final int GROUP = 20;
    private static final String WARNINGS = "-Wall";

    /** Two JVMs have to become warm, with the code of a cluster. */
    private static final int WARM_UP_TURNS = 150;

    private static final int THROUGHPUT_WARM_UP_ROUNDS = 50;

    /**
     * A worker does so many runs within seconds, and HotSpot compiles in full what was called 5,000
     * times (Tier4InvocationThreshold).
     */
    private static final int WARM_UP_RUNS = 8000;

    /** How often things are done. */
    enum Scale {
        FULL(1),
        QUICK(10);

        private final int divisor;

        Scale(int divisor) {
            this.divisor = divisor;
        }

        int of(int rounds) {
            return Math.max(1, rounds / divisor);
        }
    }

    private final Scale scale;
    private final Consumer<String> progress;
    private final Programs programs;
    private final Worker worker;
    private final Path baselineProgram;
    private final Baseline baseline;

    private Benchmarks(Scale scale, Consumer<String> progress, Programs programs, Worker worker)
            throws Exception {
        this.scale = scale;
        this.progress = progress;
        this.programs = programs;
        this.worker = worker;
        baselineProgram = programs.compile("baseline", WARNINGS);
        baseline = Baseline.start(baselineProgram, worker.config());
    }

    /** Prepares them. */
    static Benchmarks prepare(Scale scale, Consumer<String> progress) throws Exception {
        Programs programs = Programs.create();
        Worker worker = null;
        try {
            worker = Worker.start(MORE_CONTAINERS + 8);
            return new Benchmarks(scale, progress, programs, worker);
        } catch (Exception e) {
            if (worker != null) {
                worker.close();
            }
            programs.close();
            throw e;
        }
    }

    /** What can be measured by itself, in the order of the table. */
    enum Group {
        EXECVE,
        OVERHEAD,
        PING,
        CREATE,
        RESET,
        PARALLEL,
        RUN,
        LAG,
        SERVICE,
        CLUSTER,
        MEMORY
    }

    List<Row> run(Set<Group> groups) throws Exception {
        List<Row> rows = new ArrayList<>();
        for (Group group : groups) {
            rows.addAll(
                    switch (group) {
                        case EXECVE -> executions();
                        case OVERHEAD -> executionOverhead();
                        case PING -> ping();
                        case CREATE -> create();
                        case RESET -> resets();
                        case PARALLEL -> parallel();
                        case RUN -> runs();
                        case LAG -> lag();
                        case SERVICE -> service();
                        case CLUSTER -> cluster();
                        case MEMORY -> memory();
                    });
        }
        return rows;
    }

    // ---- execve -----------------------------------------------------------------------------

    /** What a judge sets; the seccomp filter and the ids are those that every run gets. */
    private static Execve request(String program) {
        return Execve.of(program)
                .rlimits(
                        Rlimits.builder()
                                .cpuTime(Duration.ofSeconds(2))
                                .addressSpace(ByteSize.ofGiB(1))
                                .stack(ByteSize.ofMiB(64))
                                .fileSize(ByteSize.ofMiB(64))
                                .openFiles(64)
                                .build())
                .wallTime(Duration.ofSeconds(10))
                .build();
    }

    /** With a reset after each run, as a worker that hands a container on does it. */
    private List<Row> executions() throws Exception {
        Execve request = request(TRUE);
        Execve withStreams = request.toBuilder().descriptors(0, 1, 2).build();
        Lease lease = worker.create(Worker::untimed);
        List<Distribution> times =
                alternate(
                        "execve " + TRUE + ", then reset",
                        1000,
                        3000,
                        times(() -> baseline.execute(TRUE)),
                        into -> worker.execute(lease, request, into),
                        into -> worker.reset(lease, 1, into),
                        into ->
                                worker.execute(
                                        lease, withStreams, Benchmarks::standardStreams, into));
        worker.destroy(lease);
        Row plain =
                Row.ratio("execve", "execve /bin/true", times.get(1), times.get(0), Bars.EXECVE);
        Row streams =
                Row.ratio(
                                "execve-streams",
                                "the same with three descriptors",
                                times.get(3),
                                times.get(0),
                                Bars.EXECVE)
                        .withoutBar();
        Row reset =
                Row.median("reset-run", "reset after such a run", times.get(2), Bars.RESET_NOTHING)
                        .withoutBar()
                        .withNote("no file was made, but the IPC namespace is left behind");
        return List.of(plain, streams, reset);
    }

    private static ExecveDescriptors standardStreams() {
        try {
            Map<Integer, Fd> streams = new LinkedHashMap<>();
            for (int number = 0; number <= 2; number++) {
                streams.put(number, Fd.open("/dev/null", Linux.O_RDWR, 0));
            }
            return ExecveDescriptors.of(streams);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<Row> executionOverhead() throws Exception {
        Path program =
                programs.compile("true-nolibc", WARNINGS, "-static", "-nostdlib", "-ffreestanding");
        Lease lease = worker.create(Worker::untimed);
        worker.install(lease, program, NOLIBC);
        Execve request = request(NOLIBC);
        List<Distribution> times =
                alternate(
                        "execve of a static program without a C library",
                        400,
                        3000,
                        times(() -> baseline.execute(program.toString())),
                        into -> worker.execute(lease, request, into));
        worker.destroy(lease);
        return List.of(
                Row.overhead(
                        "execve-overhead",
                        "execve of a program without libc",
                        times.get(1),
                        times.get(0),
                        Bars.EXECVE_OVERHEAD));
    }

    // ---- the other commands -----------------------------------------------------------------

    private List<Row> ping() throws Exception {
        progress.accept("ping, and reset of nothing");
        Lease lease = worker.create(Worker::untimed);
        worker.ping(lease, 10_000, Worker::untimed);
        Histogram pings = new Histogram(3);
        worker.ping(lease, scale.of(30_000), pings::recordValue);
        worker.reset(lease, 3_000, Worker::untimed);
        Histogram resets = new Histogram(3);
        worker.reset(lease, scale.of(10_000), resets::recordValue);
        worker.destroy(lease);
        return List.of(
                Row.median("ping", "ping", Distribution.of(pings), Bars.PING),
                Row.median(
                        "reset-nothing",
                        "reset of nothing",
                        Distribution.of(resets),
                        Bars.RESET_NOTHING));
    }

    private List<Row> create() throws Exception {
        List<Distribution> times =
                alternate(
                        "create and conf",
                        300,
                        400,
                        times(baseline::create),
                        into -> worker.destroy(worker.create(into)));
        return List.of(
                Row.ratio("create", "create + conf", times.get(1), times.get(0), Bars.CREATE));
    }

    private List<Row> resets() throws Exception {
        Path program = programs.compile("fill", WARNINGS);
        Execve fill = Execve.of("fill", Integer.toString(FILES)).executableByDescriptor().build();
        Execve one = Execve.of("fill", "1").executableByDescriptor().build();
        Lease lease = worker.create(Worker::untimed);
        for (int run = 0; run < scale.of(WARM_UP_RUNS); run++) {
            worker.execute(lease, one, () -> executable(program), Worker::untimed);
            worker.reset(lease, 1, Worker::untimed);
        }
        List<Distribution> times =
                alternate(
                        "reset of %,d files".formatted(FILES),
                        50,
                        300,
                        times(() -> baseline.reset(FILES)),
                        into -> {
                            worker.execute(lease, fill, () -> executable(program), Worker::untimed);
                            worker.reset(lease, 1, into);
                        });
        worker.destroy(lease);
        return List.of(
                Row.ratio(
                        "reset-files",
                        "reset of 1,000 files",
                        times.get(1),
                        times.get(0),
                        Bars.RESET_FILES));
    }

    private static ExecveDescriptors executable(Path program) {
        try {
            Fd fd = Fd.open(program.toString(), Linux.O_RDONLY, 0);
            return new ExecveDescriptors(Map.of(), Optional.of(fd));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // ---- two at once ------------------------------------------------------------------------

    private List<Row> parallel() throws Exception {
        int rounds = scale.of(20);
        int runs = 150;
        Execve request = request(TRUE);
        Lease first = worker.create(Worker::untimed);
        Lease second = worker.create(Worker::untimed);
        ActorRef<Client.Command> one = worker.newClient("one");
        ActorRef<Client.Command> other = worker.newClient("other");
        List<Double> gains = new ArrayList<>();
        List<Double> rawGains = new ArrayList<>();
        try (Baseline secondBaseline = Baseline.start(baselineProgram, worker.config());
                ExecutorService threads = Executors.newFixedThreadPool(2)) {
            for (int round = -1; round < rounds; round++) {
                progress.accept("two containers at once, round " + (round + 1) + " of " + rounds);
                long alone =
                        elapsed(() -> Worker.await(worker.executions(one, first, request, runs)));
                long together =
                        elapsed(() ->
                                Worker.await(
                                        CompletableFuture.allOf(
                                                worker.executions(one, first, request, runs),
                                                worker.executions(other, second, request, runs))));
                long rawAlone = elapsed(() -> repeat(baseline, runs));
                long rawTogether =
                        elapsed(() -> {
                            Future<Long> a = threads.submit(() -> repeat(baseline, runs));
                            Future<Long> b = threads.submit(() -> repeat(secondBaseline, runs));
                            return a.get() + b.get();
                        });
                if (round >= 0) {
                    gains.add(2.0 * alone / together);
                    rawGains.add(2.0 * rawAlone / rawTogether);
                }
            }
        }
        worker.destroy(first);
        worker.destroy(second);
        return List.of(
                Row.value(
                                "parallel",
                                "two containers against one",
                                "throughput",
                                median(gains),
                                Unit.TIMES,
                                Bars.PARALLEL)
                        .withNote(
                                "execve /bin/true; the C program gains "
                                        + Unit.TIMES.format(median(rawGains))));
    }

    private static long repeat(Baseline baseline, int runs) throws IOException {
        long sum = 0;
        for (int i = 0; i < runs; i++) {
            sum += baseline.execute(TRUE);
        }
        return sum;
    }

    private static long elapsed(Callable<?> work) throws Exception {
        long start = System.nanoTime();
        work.call();
        return System.nanoTime() - start;
    }

    // ---- runs -------------------------------------------------------------------------------

    /** A program with all limits that a judge sets, and both streams collected. */
    private static Program.Builder judged(String... arguments) {
        return Program.of(arguments)
                .collect(ByteSize.ofKiB(64))
                .limits(
                        Limits.builder()
                                .cpuTime(Duration.ofSeconds(2))
                                .memory(ByteSize.ofMiB(256))
                                .processes(16)
                                .stack(ByteSize.ofMiB(64))
                                .openFiles(64)
                                .build());
    }

    private List<Row> runs() throws Exception {
        try (Worker pool = Worker.start(2, 2);
                Worker single = Worker.start(1, 1)) {
            List<Row> rows = new ArrayList<>(runs(pool));
            rows.add(runsWithFiles(pool));
            rows.add(runsInParallel(pool, single));
            return rows;
        }
    }

    private List<Row> runs(Worker pool) throws Exception {
        Run run = Run.of("true", judged(TRUE).build());
        List<Row> rows = new ArrayList<>();
        for (int gap : List.of(0, 30, 100)) {
            List<Distribution> times =
                    alternate(
                            gap == 0 ? "run " + TRUE : "the same after " + gap + " ms of rest",
                            gap == 0 ? WARM_UP_RUNS : 20,
                            gap == 0 ? 3000 : 200,
                            into -> {
                                Thread.sleep(gap);
                                into.accept(baseline.execute(TRUE));
                            },
                            into -> {
                                Thread.sleep(gap);
                                pool.run(run, into);
                            });
            String id = gap == 0 ? "run" : "run-after-" + gap + "ms";
            String title = gap == 0 ? "run /bin/true" : "the same after " + gap + " ms of rest";
            Distribution ours = times.get(1);
            rows.add(Row.ratio(id, title, ours, times.get(0), Bars.RUN));
            rows.add(
                    Row.value(
                            id + "-tail",
                            title + ", the tail",
                            "p99 / p50",
                            ours.p99() / ours.p50(),
                            Unit.TIMES,
                            Bars.RUN_TAIL));
        }
        return rows;
    }

    private Row runsWithFiles(Worker pool) throws Exception {
        Content file = Content.of(new byte[1 << 20]);
        Run plain = Run.of("plain", judged(TRUE).build());
        Run withFiles =
                Run.of(
                        "files",
                        judged(TRUE)
                                .copyIn(CopyIn.File.of("in", file))
                                .copyOut(CopyOut.required("in"))
                                .build());
        List<Distribution> times =
                alternate(
                        "run with 1 MiB in and out",
                        200,
                        1000,
                        into -> pool.run(plain, into),
                        into -> pool.run(withFiles, into));
        return Row.overhead(
                "run-files",
                "the same with 1 MiB copied in and out",
                times.get(1),
                times.get(0),
                Bars.RUN_FILES);
    }

    private Row runsInParallel(Worker pool, Worker single) throws Exception {
        int rounds = scale.of(20);
        int count = 150;
        Run run = Run.of("true", judged(TRUE).build());
        ActorRef<Client.Command> alone = single.newClient("alone");
        ActorRef<Client.Command> one = pool.newClient("one");
        ActorRef<Client.Command> other = pool.newClient("other");
        List<Double> gains = new ArrayList<>();
        List<Double> rates = new ArrayList<>();
        for (int round = -2; round < rounds; round++) {
            progress.accept("runs in two containers, round " + (round + 1) + " of " + rounds);
            long oneTime =
                    elapsed(() -> Worker.await(single.runs(alone, run, count, Worker::untimed)));
            long twoTime =
                    elapsed(() ->
                            Worker.await(
                                    CompletableFuture.allOf(
                                            pool.runs(one, run, count, Worker::untimed),
                                            pool.runs(other, run, count, Worker::untimed))));
            if (round >= 0) {
                gains.add(2.0 * oneTime / twoTime);
                rates.add(2.0 * count * 1e9 / twoTime);
            }
        }
        double gain = median(gains);
        double rate = median(rates);
        Row row =
                Bars.RUN_RATE.isMet(rate)
                        ? Row.value(
                                "runs-parallel",
                                "runs in two containers",
                                "throughput",
                                rate,
                                Unit.PER_SECOND,
                                Bars.RUN_RATE)
                        : Row.value(
                                "runs-parallel",
                                "runs in two containers against one",
                                "throughput",
                                gain,
                                Unit.TIMES,
                                Bars.RUN_PARALLEL);
        return row.withNote(
                String.format(
                        Locale.ROOT,
                        "with a reset after each; %.0f runs per second, %.2f times one container",
                        rate,
                        gain));
    }

    /** A JVM that collects garbage all the time must not let programs go on beyond their limit. */
    private List<Row> lag() throws Exception {
        Duration limit = Duration.ofMillis(50);
        Run run =
                Run.of(
                        "spin",
                        Program.of("/bin/sh", "-c", "while :; do :; done")
                                .limits(
                                        Limits.builder()
                                                .cpuTime(limit)
                                                .wallTime(Duration.ofSeconds(10))
                                                .build())
                                .build());
        Histogram lags = new Histogram(3);
        AtomicBoolean done = new AtomicBoolean();
        Thread collecting =
                Thread.ofPlatform()
                        .daemon()
                        .start(() -> {
                            while (!done.get()) {
                                Memory.collectGarbage();
                            }
                        });
        try (Worker pool = Worker.start(2, 2)) {
            int rounds = scale.of(200);
            for (int round = 0; round < rounds; round++) {
                if (round % 50 == 0) {
                    progress.accept("CPU time limit while collecting garbage, round " + round);
                }
                ProgramOutcome outcome = pool.outcome(run);
                if (!outcome.limit().equals(Optional.of(Limit.CPU_TIME))) {
                    throw new IllegalStateException("not the CPU time limit: " + outcome);
                }
                lags.recordValue(Math.max(0, outcome.usage().cpuTime().minus(limit).toNanos()));
            }
        } finally {
            done.set(true);
            collecting.join();
        }
        Distribution lag = Distribution.of(lags);
        return List.of(
                Row.value(
                                "cpu-lag",
                                "CPU time used beyond its limit",
                                "p99",
                                lag.p99(),
                                Unit.MICROSECONDS,
                                Bars.CPU_LAG)
                        .withNote("while the worker collects garbage without a pause"));
    }

    // ---- the service ------------------------------------------------------------------------

    /** The same commands in this process and through the service, in turns. */
    private List<Row> service() throws Exception {
        try (ServiceProcess service = ServiceProcess.start();
                Worker client = Worker.start(service.socket())) {
            Lease here = worker.create(Worker::untimed);
            Lease there = client.create(Worker::untimed);
            Execve request = request(TRUE);
            List<Distribution> times =
                    alternate(
                            "commands through the service",
                            1000,
                            3000,
                            into -> worker.ping(here, 1, into),
                            into -> client.ping(there, 1, into),
                            into -> worker.execute(here, request, into),
                            into -> client.execute(there, request, into));
            fill(client, there, "small", 0);
            fill(client, there, "large", 1 << 20);
            List<Distribution> opens =
                    alternate(
                            "files opened through the service",
                            300,
                            2000,
                            into -> client.open(there, "small", into),
                            into -> client.open(there, "large", into));
            worker.destroy(here);
            client.destroy(there);
            return List.of(
                    Row.overhead(
                                    "service-ping",
                                    "ping through the service",
                                    times.get(1),
                                    times.get(0),
                                    Bars.SERVICE_PING)
                            .withNote("against the same in one process"),
                    Row.overhead(
                                    "service-execve",
                                    "execve through the service",
                                    times.get(3),
                                    times.get(2),
                                    Bars.SERVICE_EXECVE)
                            .withNote("against the same in one process"),
                    Row.ratio(
                                    "service-open",
                                    "open of 1 MiB through the service",
                                    opens.get(1),
                                    opens.get(0),
                                    Bars.SERVICE_OPEN)
                            .withNote(
                                    "against an empty file through the service: nothing is copied"));
        }
    }

    private static void fill(Worker worker, Lease lease, String path, int bytes) throws Exception {
        Path file = Files.createTempFile("cloister-bench", "");
        try {
            Files.write(file, new byte[bytes]);
            worker.install(lease, file, path);
        } finally {
            Files.delete(file);
        }
    }

    // ---- the cluster ------------------------------------------------------------------------

    /** As {@link #runs} has it. */
    static Run judgedTrue(String id) {
        return Run.of(id, judged(TRUE).build());
    }

    private List<Row> cluster() throws Exception {
        try (RemoteWorker remote = RemoteWorker.start(2)) {
            return List.of(remoteRuns(remote), remoteThroughput(remote), fairness(remote));
        }
    }

    /** Client and worker take turns of some runs each. */
    private Row remoteRuns(RemoteWorker remote) throws Exception {
        int turns = scale.of(100);
        int each = 20;
        Histogram over = new Histogram(3);
        Histogram within = new Histogram(3);
        int id = 0;
        for (int turn = -WARM_UP_TURNS; turn < turns; turn++) {
            if (turn % 50 == 0) {
                progress.accept("runs from another JVM, turn %d of %d".formatted(turn, turns));
            }
            long local = remote.local(each, 1).median();
            long distant = remoteRuns(remote, "one", "distant-" + id++ + "-", each, 1).median();
            if (turn >= 0) {
                within.recordValue(local);
                over.recordValue(distant);
            }
        }
        long before = RemoteWorker.sent();
        remoteRuns(remote, "one", "counted-", 200, 1);
        long bytes = (RemoteWorker.sent() - before) / 200;
        return Row.overhead(
                        "cluster-run",
                        "run from another JVM",
                        Distribution.of(over),
                        Distribution.of(within),
                        Bars.CLUSTER_RUN)
                .withNote(
                        "against the same within the worker's JVM, in medians of %d runs; %,d bytes sent for each"
                                .formatted(each, bytes));
    }

    private static InFlight.Times remoteRuns(
            RemoteWorker remote, String tenant, String prefix, int runs, int atOnce)
            throws Exception {
        return InFlight.measure(runs, atOnce, i -> remote.submit(judgedTrue(prefix + i), tenant));
    }

    private Row remoteThroughput(RemoteWorker remote) throws Exception {
        int rounds = Math.max(10, scale.of(20));
        int runs = 200;
        int atOnce = 32; // as a client with a backlog: no slot is ever idle
        List<Double> ratios = new ArrayList<>();
        List<Double> rates = new ArrayList<>();
        Duration cpuWithin = Duration.ZERO;
        Duration cpuOver = Duration.ZERO;
        for (int round = -THROUGHPUT_WARM_UP_ROUNDS; round < rounds; round++) {
            progress.accept(
                    "throughput of a remote worker, round %d of %d".formatted(round, rounds));
            Duration start = remote.cpuTime();
            long within = remote.local(runs, atOnce).all();
            Duration middle = remote.cpuTime();
            long over = remoteRuns(remote, "one", "throughput-" + round + "-", runs, atOnce).all();
            Duration end = remote.cpuTime();
            if (round >= 0) {
                ratios.add((double) within / over);
                rates.add(runs * 1e9 / over);
                cpuWithin = cpuWithin.plus(middle.minus(start));
                cpuOver = cpuOver.plus(end.minus(middle));
            }
        }
        long all = 1000L * rounds * runs;
        return Row.value(
                        "cluster-throughput",
                        "a worker fed by a remote client",
                        "against a local one",
                        median(ratios),
                        Unit.TIMES,
                        Bars.CLUSTER_THROUGHPUT)
                .withNote(
                        "%.0f runs per second; %d µs of CPU in both JVMs for each, %d µs with a local client"
                                .formatted(
                                        median(rates),
                                        cpuOver.toNanos() / all,
                                        cpuWithin.toNanos() / all));
    }

    /**
     * Many tenants want two slots: when half of what was left, once all had come, is done, none has
     * got much more than another.
     */
    private Row fairness(RemoteWorker remote) throws Exception {
        int tenants = 100;
        int each = 30;
        progress.accept("%d tenants at two slots".formatted(tenants));
        Map<String, Integer> served = new ConcurrentHashMap<>();
        Histogram waits = new ConcurrentHistogram(3);
        Queue<String> answered = new ConcurrentLinkedQueue<>();
        List<CompletableFuture<?>> all = new ArrayList<>();
        long come = remote.look().answered() + (long) tenants * each;
        long start = System.nanoTime();
        for (int i = 0; i < tenants * each; i++) {
            String tenant = "tenant " + i / each; // one after the other comes with all it has
            served.put(tenant, 0);
            all.add(
                    remote.submit(judgedTrue("fair-" + i), tenant)
                            .thenAccept(reply -> {
                                waits.recordValue(System.nanoTime() - start);
                                answered.add(tenant);
                            })
                            .toCompletableFuture());
        }
        ClusterView view = remote.look();
        while (view.waiting() + view.running() + view.answered() < come) {
            view = remote.look();
        }
        int early = answered.size();
        Worker.await(CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)));
        answered.stream()
                .skip(early)
                .limit((tenants * each - early) / 2)
                .forEach(tenant -> served.merge(tenant, 1, Integer::sum));
        Distribution wait = Distribution.of(waits);
        return Row.value(
                        "cluster-fairness",
                        "%d tenants at two slots".formatted(tenants),
                        "most served / least served",
                        Collections.max(served.values())
                                / (double) Math.max(1, Collections.min(served.values())),
                        Unit.TIMES,
                        Bars.CLUSTER_FAIRNESS)
                .withNote(
                        "at half time of %,d runs; answered after %.0f ms (p50), %.0f ms (p99)"
                                .formatted(tenants * each, wait.p50() / 1e3, wait.p99() / 1e3));
    }

    // ---- memory -----------------------------------------------------------------------------

    /**
     * The worker grows by a crowd of containers after as many have come and gone one by one: then
     * the heap has its size, but whatever each living container takes is still to be had, for the C
     * library keeps the stacks of threads that have ended. The crowd comes in groups, whose median
     * is told, since the JVM also grows for reasons of its own.
     */
    private List<Row> memory() throws Exception {
        progress.accept("memory");
        for (int i = 0; i < MORE_CONTAINERS; i++) {
            worker.destroy(worker.create(Worker::untimed));
        }
        List<Double> resident = new ArrayList<>();
        List<Double> heap = new ArrayList<>();
        List<Lease> leases = new ArrayList<>();
        Memory.collectGarbage();
        while (leases.size() < MORE_CONTAINERS) {
            long residentBefore = Memory.ownResident();
            long heapBefore = Memory.ownHeap();
            for (int i = 0; i < GROUP; i++) {
                leases.add(worker.create(Worker::untimed));
            }
            Memory.collectGarbage();
            resident.add((double) (Memory.ownResident() - residentBefore) / GROUP);
            heap.add((double) (Memory.ownHeap() - heapBefore) / GROUP);
        }
        Optional<List<Long>> inits = Memory.privateOfInits();
        for (Lease lease : leases) {
            worker.destroy(lease);
        }
        List<Row> rows = new ArrayList<>();
        if (inits.isPresent() && !inits.get().isEmpty()) {
            rows.add(
                    Row.value(
                                    "init-memory",
                                    "an idle init",
                                    "private memory",
                                    Collections.max(inits.get()),
                                    Unit.KIBIBYTES,
                                    Bars.INIT_MEMORY)
                            .withNote("the largest of " + inits.get().size()));
        } else {
            progress.accept("the memory of init can be read by root only: left out");
        }
        rows.add(
                Row.value(
                                "worker-memory",
                                "the worker, per idle container",
                                "resident growth",
                                median(resident),
                                Unit.KIBIBYTES,
                                Bars.WORKER_MEMORY)
                        .withNote("of which heap " + Unit.KIBIBYTES.format(median(heap))));
        return rows;
    }

    private static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int half = sorted.size() / 2;
        return sorted.size() % 2 == 1
                ? sorted.get(half)
                : (sorted.get(half - 1) + sorted.get(half)) / 2;
    }

    // ---- the loop ---------------------------------------------------------------------------

    /** One turn of a contender, which tells how many nanoseconds it took. */
    @FunctionalInterface
    private interface Turn {
        void take(LongConsumer times) throws Exception;
    }

    private interface SelfTimed {
        long nanos() throws IOException;
    }

    private static Turn times(SelfTimed contender) {
        return into -> into.accept(contender.nanos());
    }

    private List<Distribution> alternate(String what, int warmUp, int rounds, Turn... contenders)
            throws Exception {
        int uncounted = warmUp; // a cold worker is another thing to measure
        int counted = scale.of(rounds);
        List<Histogram> histograms = new ArrayList<>();
        for (int i = 0; i < contenders.length; i++) {
            histograms.add(new Histogram(3));
        }
        for (int round = 0; round < uncounted + counted; round++) {
            if (round % Math.max(1, (uncounted + counted) / 4) == 0) {
                progress.accept(
                        String.format(
                                Locale.ROOT,
                                "%s: %d of %d rounds",
                                what,
                                round,
                                uncounted + counted));
            }
            boolean counts = round >= uncounted;
            for (int i = 0; i < contenders.length; i++) {
                Histogram histogram = histograms.get(i);
                contenders[i].take(nanos -> {
                    if (counts) {
                        histogram.recordValue(nanos);
                    }
                });
            }
        }
        return histograms.stream().map(Distribution::of).toList();
    }

    @Override
    public void close() throws Exception {
        try (Programs ignored = programs;
                Worker alsoIgnored = worker) {
            baseline.close();
        }
    }
}
