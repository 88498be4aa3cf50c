// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import akka.actor.testkit.typed.javadsl.TestProbe;
import io.cloister.nativeio.libc.LibC;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.message.ResetReply;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.container.OpenFailed;
import io.cloister.supervisor.container.OpenReply;
import io.cloister.supervisor.container.Opened;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.pool.ContainerSupervisor.AcquireReply;
import io.cloister.supervisor.pool.ContainerSupervisor.Lease;
import io.cloister.supervisor.pool.ContainerSupervisor.NotAcquired;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The service is killed, or told to end, while a worker uses it: it leaves nothing on its host,
 * whoever waits is told so, and the worker goes on when the service is there again.
 */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ServiceKilledTest {
    /** Within which all must be gone. */
    private static final Duration GONE = Duration.ofSeconds(2);

    /** Ids of its own: whoever has one of them is a process of these tests. */
    private static final int FIRST_ID = 0x6300_0000;

    /** There are hardly more ranges of ids than containers: the next service uses the same. */
    private static final int RANGES = 4;

    /** Longer than any test. */
    private static final String FOR_EVER = "1000";

    @TempDir private static Path directory;
    private ServiceProcess service;
    private Worker worker;
    private List<String> mounts;

    @BeforeAll
    void start() throws Exception {
        assumeTrue(LibC.geteuid() == 0, "ranges of ids need root");
        mounts = mounts();
        service =
                ServiceProcess.start(
                        directory,
                        "service",
                        "cloister.containers { max = 3, warm = 1 }",
                        "cloister.uid-ranges { start = %d, count = %d, lock-file = \"%s\" }"
                                .formatted(FIRST_ID, RANGES, directory.resolve("lock")));
        worker = startWorker("cloister.containers { max = 2, warm = 1, max-backoff = 500ms }");
    }

    private Worker startWorker(String settings) {
        return Worker.startWith(service.socket(), settings);
    }

    @AfterAll
    void stop() {
        if (worker != null) {
            worker.close();
        }
        if (service != null) {
            service.close();
        }
    }

    /** Those of this process's namespace, which is the host's. */
    private static List<String> mounts() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/mountinfo"));
    }

    // ---- the phases --------------------------------------------------------------------------

    @Test
    void shouldLeaveNothingWhenKilledIdle() throws Exception {
        worker.awaitCalm();
        killAndRecover();
    }

    /** Greetings that are being answered with containers, which are made for them. */
    @Test
    void shouldLeaveNothingWhenKilledAmongGreetings() throws Exception {
        try (Worker creating =
                startWorker("cloister.containers { warm = 0, max = 2, acquire-timeout = 5s }")) {
            leased(creating.acquireLater(Optional.empty())).close();
            CompletableFuture<AcquireReply> refused =
                    again(
                            () -> {
                                AcquireReply reply =
                                        Worker.await(creating.acquireLater(Optional.empty()));
                                if (reply instanceof Lease lease) {
                                    creating.leased(lease).endNow();
                                }
                                return reply;
                            },
                            reply -> reply instanceof NotAcquired);
            List<HostProcesses.Seen> processes = kill();
            assertTellsThatTheServiceIsGone(((NotAcquired) get(refused)).failure());
            assertNothingLeft(processes);
            recover();
        }
    }

    @Test
    void shouldLeaveNothingWhenKilledAmongFiles() throws Exception {
        Leased leased = worker.acquire();
        CompletableFuture<OpenReply> lost =
                again(
                        () -> {
                            OpenReply reply =
                                    leased.open(
                                            new Open(
                                                    List.of(
                                                            OpenFile.create("a", 0600),
                                                            OpenFile.create("b", 0600))));
                            if (reply instanceof Opened opened) {
                                opened.close();
                            }
                            return reply;
                        },
                        reply -> reply instanceof OpenFailed);
        List<HostProcesses.Seen> processes = kill();
        assertTellsThatTheServiceIsGone(((OpenFailed) get(lost)).failure());
        assertNothingLeft(processes);
        recover();
    }

    /** A program with a child, a grandchild in a session of its own, and a stopped one. */
    @Test
    void shouldLeaveNothingWhenKilledWhileAProgramRuns() throws Exception {
        Leased leased = worker.acquire();
        String script =
                "sleep %1$s & setsid sleep %1$s & sleep %1$s & kill -STOP $!; sleep %1$s"
                        .formatted(FOR_EVER);
        CompletionStage<ExecveReply> lost =
                leased.executeLater(
                        Execve.of("/bin/sh", "-c", script).wallTime(Duration.ofHours(1)).build(),
                        ExecveDescriptors.none());
        CompletionStage<ResetReply> waits = leased.resetLater();
        Waiting.until(() ->
                assertThat(service.descendants())
                        .filteredOn(seen -> seen.name().equals("sleep"))
                        .hasSizeGreaterThanOrEqualTo(3));
        List<HostProcesses.Seen> processes = kill();
        assertTellsThatTheServiceIsGone((Failure) Worker.await(lost));
        assertTellsThatTheServiceIsGone((Failure) Worker.await(waits));
        assertNothingLeft(processes);
        recover();
    }

    @Test
    void shouldLeaveNothingWhenKilledWhileAProgramIsAnnounced() throws Exception {
        TestProbe<Container.Started> probe = worker.probe(Container.Started.class);
        CompletionStage<ExecveReply> lost =
                worker.acquire()
                        .executeAnnounced(
                                Execve.of("/bin/sleep", FOR_EVER).announceStart(true).build(),
                                ExecveDescriptors.none(),
                                probe.ref());
        Container.Started started = probe.receiveMessage(Worker.PATIENCE);
        List<HostProcesses.Seen> processes = kill();
        assertTellsThatTheServiceIsGone((Failure) Worker.await(lost));
        assertNothingLeft(processes);
        assertThat(started.pidfd().hasExited()).isTrue();
        started.pidfd().close();
        recover();
    }

    @Test
    void shouldLeaveNothingWhenKilledAmongResets() throws Exception {
        Leased leased = worker.acquire();
        CompletableFuture<ResetReply> lost = again(leased::reset, Failure.class::isInstance);
        List<HostProcesses.Seen> processes = kill();
        assertTellsThatTheServiceIsGone((Failure) get(lost));
        assertNothingLeft(processes);
        recover();
    }

    @Test
    void shouldDestroyAllContainersWhenToldToEnd() throws Exception {
        CompletionStage<ExecveReply> lost =
                worker.acquire()
                        .executeLater(
                                Execve.of("/bin/sleep", FOR_EVER)
                                        .wallTime(Duration.ofHours(1))
                                        .build(),
                                ExecveDescriptors.none());
        Waiting.until(() ->
                assertThat(service.descendants()).anyMatch(seen -> seen.name().equals("sleep")));
        List<HostProcesses.Seen> processes = service.descendants();
        long pid = service.pid();

        service.terminate();

        assertThat(HostProcesses.living(processes)).as("left at the service's end").isEmpty();
        assertThat(ControlGroups.of(pid)).isEmpty();
        assertThat(service.socket()).doesNotExist();
        assertThat(((Failure) Worker.await(lost)).kind()).isEqualTo(Failure.Kind.CONTAINER_LOST);
        assertNothingLeft(processes);
        recover();
    }

    // ---- what they share ---------------------------------------------------------------------

    private Leased leased(CompletionStage<AcquireReply> reply) {
        return worker.leased(Worker.await(reply));
    }

    /** Does it again and again, in another thread, until it comes to this end. */
    private static <R> CompletableFuture<R> again(Supplier<R> action, Predicate<R> end)
            throws InterruptedException {
        CompletableFuture<R> last = new CompletableFuture<>();
        CountDownLatch underWay = new CountDownLatch(3);
        Thread thread =
                new Thread(
                        () -> {
                            try {
                                R reply = action.get();
                                while (!end.test(reply)) {
                                    underWay.countDown();
                                    reply = action.get();
                                }
                                last.complete(reply);
                            } catch (Throwable e) {
                                last.completeExceptionally(e);
                            }
                        },
                        "does it again");
        thread.setDaemon(true);
        thread.start();
        assertThat(underWay.await(60, TimeUnit.SECONDS)).isTrue();
        return last;
    }

    private static <R> R get(CompletableFuture<R> reply) throws Exception {
        return reply.get(Worker.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    private void assertTellsThatTheServiceIsGone(Failure failure) {
        assertThat(failure.kind())
                .as(failure.describe())
                .isIn(Failure.Kind.CONTAINER_LOST, Failure.Kind.UNAVAILABLE);
        assertThat(failure.message()).contains(service.socket().toString());
    }

    /** Returns the processes that it had. */
    private List<HostProcesses.Seen> kill() throws Exception {
        List<HostProcesses.Seen> processes = service.descendants();
        assertThat(processes)
                .extracting(HostProcesses.Seen::name)
                .contains("cloister-zygote", "cloister-init");
        service.kill();
        return processes;
    }

    private void killAndRecover() throws Exception {
        List<HostProcesses.Seen> processes = kill();
        assertNothingLeft(processes);
        recover();
    }

    /** The next service takes over the path and removes the control groups of the last. */
    private void recover() throws Exception {
        long last = service.pid();
        service.startAgain();
        try (Leased leased = leased(worker.acquireLater(Optional.empty()))) {
            assertThat(leased.shell("echo hello")).isEqualTo("hello\n");
        }
        assertThat(ControlGroups.of(last)).isEmpty();
        worker.awaitCalm();
    }

    private void assertNothingLeft(List<HostProcesses.Seen> processes) {
        Waiting.within(
                GONE,
                () -> {
                    assertThat(HostProcesses.living(processes)).isEmpty();
                    assertThat(HostProcesses.all(seen -> !seen.dead() && isOfThisTest(seen.uid())))
                            .as("with ids of containers")
                            .isEmpty();
                    assertThat(mounts()).as("mounts").isSubsetOf(mounts);
                });
    }

    private static boolean isOfThisTest(long uid) {
        return uid >= FIRST_ID && uid < FIRST_ID + RANGES * 65_536L;
    }
}
