// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.actor.typed.receptionist.Receptionist;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.fd.Pipe;
import io.cloister.nativeio.libc.LibC;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.container.SymbolicLink;
import io.cloister.protocol.message.ContainerState;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Linked;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.message.Pong;
import io.cloister.protocol.message.ResetDone;
import io.cloister.protocol.message.Symlink;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.CopyOut;
import io.cloister.protocol.run.Enforced;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Mechanism;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import io.cloister.supervisor.cluster.ClusterSettings;
import io.cloister.supervisor.cluster.FileFetch;
import io.cloister.supervisor.cluster.FileServer;
import io.cloister.supervisor.cluster.WorkerNode;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.container.Opened;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.io.Collected;
import io.cloister.supervisor.io.FileCopies;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.io.HostFiles;
import io.cloister.supervisor.io.IdleWatch;
import io.cloister.supervisor.io.StreamCollector;
import io.cloister.supervisor.io.Streams;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.awaitility.core.ThrowingRunnable;

/**
 * What {@link RootlessTest} has an ordinary user do, one check after the other: it says each one's
 * name, then {@code ok} or, in one line, what is wrong. Its argument is the directory of the
 * compiled hostile programs.
 */
final class RootlessProcess {
    static final String OK = "ok";
    static final String END = "end";

    /** Which an ordinary user has on some machines only: they have tests of their own. */
    private static final String WITHOUT_GROUPS = "cloister.cgroups.mode = NONE\n";

    private final Worker worker;

    private RootlessProcess(Worker worker) {
        this.worker = worker;
    }

    public static void main(String[] arguments) throws Exception {
        HostileCorpus corpus = HostileCorpus.in(Path.of(arguments[0]));
        try (Worker worker =
                Worker.start(WITHOUT_GROUPS + "cloister.containers { max = 2, warm = 1 }")) {
            new RootlessProcess(worker).checks(corpus).forEach(RootlessProcess::check);
        }
        try (Worker worker = Worker.start(WITHOUT_GROUPS + HostileTrial.settings())) {
            HostileTrial trial = new HostileTrial(worker, corpus);
            for (HostileCorpus.Hostile hostile : corpus.programs()) {
                if (hostile.fits() && hostile.isForExecve()) {
                    check(hostile.name(), () -> trial.run(hostile));
                }
            }
        }
        ChildJvm.say(END);
    }

    private static void check(String name, ThrowingRunnable check) {
        ChildJvm.say(name);
        String answer = OK;
        try {
            check.run();
        } catch (Throwable wrong) {
            answer = "not " + OK + ": " + String.valueOf(wrong).replaceAll("\\s+", " ");
        }
        ChildJvm.say(answer);
    }

    private Map<String, ThrowingRunnable> checks(HostileCorpus corpus) {
        Map<String, ThrowingRunnable> checks = new LinkedHashMap<>();
        checks.put("shouldNotBeRoot", () -> assertThat(LibC.geteuid()).isNotZero());
        checks.put("shouldRunPrograms", this::shouldRunPrograms);
        checks.put("shouldRunPrograms as container root", this::shouldShowOneId);
        checks.put("shouldPing", this::shouldPing);
        checks.put("shouldOpenFiles", this::shouldOpenFiles);
        checks.put("shouldMakeLinksAndDelete", this::shouldMakeLinksAndDelete);
        checks.put("shouldReset", this::shouldReset);
        checks.put("shouldExecuteDescriptors", () -> shouldExecuteDescriptors(corpus));
        checks.put("shouldAnnounceAndRefuse", this::shouldAnnounceAndRefuse);
        checks.put("shouldKill", this::shouldKill);
        checks.put("shouldEnforceTheWallTimeLimit", this::shouldEnforceTheWallTimeLimit);
        checks.put("shouldCollectOutput", this::shouldCollectOutput);
        checks.put("shouldGiveEveryRunTheInputAsItWas", this::shouldGiveEveryRunTheInputAsItWas);
        checks.put("shouldKnowIdlePrograms", this::shouldKnowIdlePrograms);
        checks.put("shouldCarryOutRuns", this::shouldCarryOutRuns);
        checks.put("shouldLimitProcesses", this::shouldLimitProcesses);
        checks.put("shouldSayWhatItCannotEnforce", this::shouldSayWhatItCannotEnforce);
        checks.put("shouldBeAWorkerOfACluster", this::shouldBeAWorkerOfACluster);
        checks.put("shouldConfigureOtherContainers", this::shouldConfigureOtherContainers);
        checks.put("shouldSayWhatIsMissing", this::shouldSayWhatIsMissing);
        return checks;
    }

    private void shouldRunPrograms() {
        try (Leased leased = worker.acquire()) {
            assertThat(leased.shell("echo hello")).isEqualTo("hello\n");
            assertThat(leased.shell("pwd; hostname")).isEqualTo("/w\ncloister\n");
        }
    }

    private void shouldShowOneId() {
        try (Leased leased = worker.acquire()) {
            assertThat(leased.shell("id -u; id -g; stat -c %u /w /tmp")).isEqualTo("0\n0\n0\n0\n");
        }
    }

    private void shouldPing() {
        try (Leased leased = worker.acquire()) {
            assertThat(leased.ping()).isEqualTo(Pong.of(ContainerState.IDLE));
        }
    }

    private void shouldOpenFiles() {
        try (Leased leased = worker.acquire()) {
            leased.write("/w/a/b/file", "text");
            assertThat(leased.readText("/w/a/b/file")).isEqualTo("text");
            assertThat(leased.shell("cat a/b/file")).isEqualTo("text");
            leased.shell("mkfifo fifo");
            try (Opened opened = leased.open(OpenFile.read("fifo"), OpenFile.read("none"))) {
                assertThat(opened.errors()).containsOnlyKeys("fifo", "none");
            }
        }
    }

    private void shouldMakeLinksAndDelete() {
        try (Leased leased = worker.acquire()) {
            assertThat(leased.symlink(new Symlink(List.of(new SymbolicLink("/w/l/link", "/etc")))))
                    .isInstanceOf(Linked.class);
            assertThat(leased.shell("readlink l/link")).isEqualTo("/etc\n");
            leased.shell("mkdir -p deep/er; : > deep/er/file; chmod 0 deep/er deep");
            leased.delete("/w/deep");
            leased.delete("/w/l");
            assertThat(leased.shell("ls -A")).isEmpty();
        }
    }

    private void shouldReset() {
        try (Leased leased = worker.acquire()) {
            leased.shell("mkdir -p /w/a/b /tmp/c; : > /w/a/b/f; chmod 0 /w/a; chmod 700 /w /tmp");
            assertThat(leased.reset()).isEqualTo(new ResetDone(2));
            assertThat(leased.reset()).isEqualTo(new ResetDone(0));
            assertThat(leased.shell("ls -A /w /tmp; stat -c %a /w /tmp"))
                    .isEqualTo("/tmp:\n\n/w:\n755\n1777\n");
        }
    }

    private void shouldExecuteDescriptors(HostileCorpus corpus) throws Exception {
        HostileCorpus.Hostile any =
                corpus.programs().stream()
                        .filter(each -> each.name().equals("own_status"))
                        .findFirst()
                        .orElseThrow();
        try (Leased leased = worker.acquire()) {
            Execve.Builder request = Execve.of("program").executableByDescriptor();
            Ran ran =
                    leased.run(
                            request,
                            Map.of(),
                            Optional.of(MemFd.executable("program", corpus.executable(any))));
            ran.assertExit(0);
        }
    }

    private void shouldAnnounceAndRefuse() {
        try (Leased leased = worker.acquire()) {
            TestProbe<Container.Started> probe = worker.probe(Container.Started.class);
            Execve request = Execve.of("/bin/true").announceStart(true).build();
            CompletionStage<?> refused =
                    leased.executeAnnounced(request, ExecveDescriptors.none(), probe.ref());
            probe.receiveMessage(Worker.PATIENCE).pidfd().close();
            leased.tell(new Container.Kill());
            assertThat(Worker.await(refused))
                    .isInstanceOfSatisfying(
                            Failure.class,
                            failure -> assertThat(failure.kind()).isEqualTo(Failure.Kind.REFUSED));
            CompletionStage<?> run =
                    leased.executeAnnounced(request, ExecveDescriptors.none(), probe.ref());
            probe.receiveMessage(Worker.PATIENCE).pidfd().close();
            leased.tell(new Container.Proceed());
            assertThat(Worker.await(run)).isInstanceOf(ExecveResult.class);
        }
    }

    private void shouldKill() {
        try (Leased leased = worker.acquire()) {
            TestProbe<Container.Started> probe = worker.probe(Container.Started.class);
            CompletionStage<?> run =
                    leased.executeAnnounced(
                            Execve.of("/bin/sleep", "1000").announceStart(true).build(),
                            ExecveDescriptors.none(),
                            probe.ref());
            probe.receiveMessage(Worker.PATIENCE).pidfd().close();
            leased.tell(new Container.Proceed());
            leased.tell(new Container.Kill());
            assertThat(Worker.await(run))
                    .isInstanceOfSatisfying(
                            ExecveResult.class, result -> assertThat(result.killed()).isTrue());
        }
    }

    private void shouldEnforceTheWallTimeLimit() {
        try (Leased leased = worker.acquire()) {
            Ran ran =
                    leased.run(
                            Execve.of("/bin/sh", "-c", "setsid sleep 1000 & sleep 1000")
                                    .wallTime(Duration.ofMillis(200)));
            assertThat(ran.result().limit()).contains(Limit.WALL_TIME);
            assertThat(leased.shell("echo hello")).isEqualTo("hello\n");
        }
    }

    private void shouldCollectOutput() throws Exception {
        try (Leased leased = worker.acquire();
                StreamCollector collector = new StreamCollector();
                Collected out = collector.collect(ByteSize.ofMiB(1), false, () -> {})) {
            Map<Integer, Fd> files = Map.of(1, out.forProgram());
            String script = "echo one; echo two > /dev/stdout; chmod 0 /proc/self/fd/1; echo three";
            Execve request = Execve.of("/bin/sh", "-c", script).descriptors(1).build();
            leased.execute(request, ExecveDescriptors.of(files));
            assertThat(out.finish().content().utf8()).contains("one\ntwo\nthree\n");
        }
    }

    /** Programs have the worker's own id here, and so own what the worker makes. */
    private void shouldGiveEveryRunTheInputAsItWas() throws Exception {
        try (FileStore store = new FileStore(worker.settings().store())) {
            FileCopies copies = new FileCopies(store, new HostFiles(List.of()));
            Content stored = store.put(Bytes.ofUtf8("input"));
            String script =
                    "test \"$(cat)\" = input; r=$?; chmod 777 /proc/self/fd/0;"
                            + " (echo x > /proc/self/fd/0) 2> err; chmod 0 /proc/self/fd/0; exit $r";
            for (int i = 0; i < 3; i++) {
                try (Leased leased = worker.acquire()) {
                    Map<Integer, Fd> files = Map.of(0, copies.open(stored));
                    leased.run(Execve.of("/bin/sh", "-c", script), files).assertExit(0);
                }
            }
        }
    }

    private void shouldKnowIdlePrograms() throws Exception {
        try (Leased leased = worker.acquire();
                Pipe pipe = Streams.pipe("that nobody writes to");
                Fd writer = pipe.writeEnd()) {
            IdleWatch watch = new IdleWatch(List.of());
            Execve request = Execve.of("/bin/cat").descriptors(0).build();
            CompletionStage<?> run =
                    leased.executeLater(request, ExecveDescriptors.of(Map.of(0, pipe.readEnd())));
            Waiting.until(() -> assertThat(watch.isIdle(Map.of(0, leased.look()))).isTrue());
            writer.close();
            Worker.await(run);
            assertThat(watch.isIdle(Map.of(0, leased.look()))).isFalse();
        }
    }

    private static Program.Builder shell(Limits limits, String script) {
        return Program.of("/bin/sh", "-c", script).collect(ByteSize.ofKiB(4)).limits(limits);
    }

    private void shouldCarryOutRuns() {
        ProgramOutcome outcome =
                worker.run(
                        shell(Limits.standard(), "cat in; cat > out; cat out; exit 3")
                                .stdin("of stdin\n")
                                .copyIn(CopyIn.File.of("in", Content.ofUtf8("copied in\n")))
                                .copyOut(CopyOut.required("out")));
        assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.NONZERO_EXIT);
        assertThat(outcome.outputs().get(1).content())
                .isEqualTo(Bytes.ofUtf8("copied in\nof stdin\n"));
        assertThat(outcome.files().get("out")).isEqualTo(Content.ofUtf8("of stdin\n"));
    }

    /** The container's first process has the program's uid, and does not count. */
    private void shouldLimitProcesses() {
        Limits limits = Limits.builder().processes(2).build();
        assertThat(worker.run(shell(limits, "/bin/true; (/bin/true); exit 0")).status())
                .isEqualTo(Status.OK);
        assertThat(worker.run(shell(limits, "(/bin/true; exit 0) || exit 4; exit 0")).status())
                .isEqualTo(Status.NONZERO_EXIT);
    }

    private void shouldSayWhatItCannotEnforce() {
        Limits limits =
                Limits.builder().memory(ByteSize.ofMiB(64)).cpuTime(Duration.ofMillis(200)).build();
        ProgramOutcome refused = worker.run(shell(limits, ":"));
        assertThat(refused.failure().orElseThrow().kind()).isEqualTo(Failure.Kind.NOT_ENFORCEABLE);

        Limits less = limits.toBuilder().allowLess(true).build();
        ProgramOutcome outcome = worker.run(shell(less, "while :; do :; done"));
        assertThat(outcome.limit()).contains(Limit.CPU_TIME);
        assertThat(outcome.enforced())
                .contains(
                        new Enforced(Limit.MEMORY, Mechanism.RLIMIT),
                        new Enforced(Limit.CPU_TIME, Mechanism.INIT_PROCESS_CLOCK));
    }

    /** Its sandbox holds, or it could not be found. */
    private void shouldBeAWorkerOfACluster() {
        ActorTestKit kit = worker.kit();
        ClusterSettings settings = ClusterSettings.from(kit.system().settings().config());
        ActorRef<WorkerNode.Command> node =
                kit.spawn(
                        WorkerNode.create(
                                settings,
                                new WorkerNode.Services(
                                        worker.settings(),
                                        worker.store(),
                                        worker.runs(),
                                        kit.spawn(FileServer.create(worker.store())),
                                        kit.spawn(
                                                FileFetch.create(
                                                        worker.store(),
                                                        settings.filesTimeout())))));
        TestProbe<Receptionist.Listing> listings = kit.createTestProbe(Receptionist.Listing.class);
        kit.system()
                .receptionist()
                .tell(Receptionist.subscribe(WorkerNode.SERVICE, listings.ref()));
        listings.receiveMessage(Worker.PATIENCE);
        assertThat(listings.receiveMessage(Worker.PATIENCE).getServiceInstances(WorkerNode.SERVICE))
                .containsExactly(node);
        kit.stop(node);
        worker.awaitCalm();
    }

    private void shouldConfigureOtherContainers() {
        try (Leased leased =
                worker.create(
                        worker.standard().toBuilder()
                                .initCommand(List.of("/bin/sh", "-c", "echo started > /tmp/init"))
                                .hostName("other")
                                .build())) {
            assertThat(leased.shell("cat /tmp/init; hostname")).isEqualTo("started\nother\n");
        }
    }

    private void shouldSayWhatIsMissing() {
        var reply =
                worker.tryCreate(
                        worker.standard().toBuilder()
                                .mount(Mount.Bind.readOnly("/no/such/directory"))
                                .build());
        assertThat(reply.toString()).contains("/no/such/directory", "NOT_FOUND");
    }
}
