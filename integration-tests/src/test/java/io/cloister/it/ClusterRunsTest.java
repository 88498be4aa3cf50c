// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.CopyOut;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.cluster.RunReply;
import io.cloister.supervisor.cluster.RunReply.Completed;
import io.cloister.supervisor.cluster.RunReply.NotCompleted;
import io.cloister.supervisor.cluster.RunReply.Reason;
import io.cloister.supervisor.cluster.Terms;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs in a cluster of several JVMs whose nodes come, go and die. */
@Tag("beside")
@Timeout(180)
class ClusterRunsTest {
    @TempDir Path directory;
    @AutoClose private JudgeCluster cluster;

    @BeforeEach
    void start() throws Exception {
        cluster = newCluster(directory);
    }

    JudgeCluster newCluster(Path directory) throws Exception {
        return new JudgeCluster(directory);
    }

    /** Processes that nothing is left of when this worker is killed. */
    List<HostProcesses.Seen> thatEndWith(JudgeCluster.Node worker) throws IOException {
        return worker.processes();
    }

    /** Said by tests that need not be done with every kind of cluster each time. */
    void takesLong() {}

    final JudgeCluster cluster() {
        return cluster;
    }

    private static <T> T await(CompletableFuture<T> reply) throws Exception {
        return reply.get(JudgeCluster.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    @Test
    void shouldSpreadRunsOverWorkersAndBringLargeFilesOnce() throws Exception {
        cluster.worker(1);
        cluster.worker(1);
        cluster.awaitWorkers(2);
        List<CompletableFuture<String>> replies = cluster.echo("spread-", 8, "0.2");
        JudgeCluster.assertRight(replies, "spread-");
        assertThat(cluster.view().workers()).allMatch(worker -> worker.finished() >= 2);

        byte[] large = new byte[3 << 20];
        new Random(1).nextBytes(large);
        Program program =
                Program.of("/bin/sh", "-c", "cat in; cp in out; cp in kept")
                        .copyIn(CopyIn.File.of("in", Content.of(large)))
                        .copyOut(CopyOut.required("out"))
                        .copyOut(new CopyOut("kept", false, ByteSize.ofMiB(8), true))
                        .stream(1, Stream.collect(ByteSize.ofMiB(4)))
                        .limits(Limits.builder().wallTime(Duration.ofSeconds(20)).build())
                        .build();
        for (int i = 0; i < 3; i++) {
            RunReply reply =
                    await(
                            cluster.submit(Run.of("large-" + i, program), "tests", Echo.TERMS)
                                    .toCompletableFuture());
            assertThat(reply).isInstanceOf(Completed.class);
            ProgramOutcome outcome = ((Completed) reply).result().results().getFirst();
            assertThat(outcome.status()).as(outcome.failure().toString()).isEqualTo(Status.OK);
            assertThat(outcome.outputs().get(1).content().toArray()).isEqualTo(large);
            assertThat(outcome.files().get("out")).isEqualTo(Content.of(large));
            Content kept = outcome.files().get("kept");
            assertThat(kept).isInstanceOf(Content.Stored.class);
            assertThat(cluster.client().store().contains(((Content.Stored) kept).id()))
                    .as("what is stored is in the client's store")
                    .isTrue();
        }
    }

    @Test
    void shouldRunAgainWhatAKilledWorkerHad() throws Exception {
        takesLong();
        cluster.worker(2);
        // of two nodes that may have the queue neither could go on without the other
        JudgeCluster.Node second = cluster.worker(2, "akka.cluster.roles = [ cloister-worker ]");
        cluster.awaitWorkers(2);
        List<CompletableFuture<String>> replies = cluster.echo("lost-", 4, "2");
        Awaitility.await().atMost(JudgeCluster.PATIENCE).until(() -> cluster.view().running() == 4);
        List<HostProcesses.Seen> processes = thatEndWith(second);
        assertThat(processes).isNotEmpty();

        second.kill();

        JudgeCluster.assertRight(replies, "lost-");
        assertThat(cluster.view().lostAttempts()).isEqualTo(2);
        assertThat(HostProcesses.living(processes)).isEmpty();
    }

    @Test
    void shouldLoseNothingWithTheQueuesNode() throws Exception {
        takesLong();
        JudgeCluster.Node first = cluster.worker(1);
        cluster.worker(1);
        cluster.worker(1);
        cluster.awaitWorkers(3);
        assertThat(cluster.view().queueNode()).isEqualTo(first.address());
        List<CompletableFuture<String>> replies = cluster.echo("queue-", 12, "1");
        Awaitility.await()
                .atMost(JudgeCluster.PATIENCE)
                .until(() -> replies.stream().anyMatch(CompletableFuture::isDone));

        first.kill();

        JudgeCluster.assertRight(replies, "queue-");
        cluster.awaitWorkers(2);
        assertThat(cluster.view().queueNode()).isNotEqualTo(first.address());
    }

    @Test
    void shouldAnswerAClientThatComesBackWithoutRunningAgain() throws Exception {
        takesLong();
        cluster.worker(1);
        cluster.awaitWorkers(1);
        JudgeCluster.Node dying = cluster.start(List.of());
        assertThat(dying.jvm().ask("submit tests back- 3 1")).isEqualTo("submitted");
        Awaitility.await().atMost(JudgeCluster.PATIENCE).until(() -> cluster.view().running() == 1);

        dying.kill();
        Awaitility.await()
                .atMost(JudgeCluster.PATIENCE)
                .until(() -> cluster.view().unfetched() == 3);
        long finished = cluster.view().workers().getFirst().finished();
        List<CompletableFuture<String>> replies = cluster.echo("back-", 3, "1");

        JudgeCluster.assertRight(replies, "back-");
        assertThat(cluster.view().workers().getFirst().finished()).isEqualTo(finished);
    }

    @Test
    void shouldHandBackWhatALeavingWorkerHas() throws Exception {
        takesLong();
        cluster.worker(1);
        cluster.awaitWorkers(1);
        JudgeCluster.Node leaving =
                cluster.worker(1, "cloister.cluster.worker.drain-timeout = 500ms");
        cluster.awaitWorkers(2);
        List<CompletableFuture<String>> replies = cluster.echo("leave-", 2, "3");
        Awaitility.await().atMost(JudgeCluster.PATIENCE).until(() -> cluster.view().running() == 2);

        assertThat(leaving.jvm().ask("leave")).isEqualTo("terminated");

        JudgeCluster.assertRight(replies, "leave-");
        assertThat(cluster.view().lostAttempts()).isZero();
    }

    @Test
    void shouldEndWhatIsCancelledOrOverdueWithItsProcesses() throws Exception {
        takesLong();
        JudgeCluster.Node worker = cluster.worker(2);
        cluster.awaitWorkers(1);
        CompletableFuture<RunReply> cancelled =
                cluster.submit(Echo.run("cancelled", "31.5"), "tests", Echo.TERMS)
                        .toCompletableFuture();
        CompletableFuture<RunReply> overdue =
                cluster.submit(
                                Echo.run("overdue", "32.5"),
                                "tests",
                                new Terms(0, Duration.ofSeconds(3), Set.of()))
                        .toCompletableFuture();
        Awaitility.await().atMost(JudgeCluster.PATIENCE).until(() -> sleeping(worker).size() == 2);

        cluster.client().cancel("tests", "cancelled");

        assertThat(await(cancelled))
                .isInstanceOfSatisfying(
                        NotCompleted.class,
                        reply -> assertThat(reply.reason()).isEqualTo(Reason.CANCELLED));
        assertThat(await(overdue))
                .isInstanceOfSatisfying(
                        NotCompleted.class,
                        reply -> assertThat(reply.reason()).isEqualTo(Reason.EXPIRED));
        Awaitility.await().atMost(JudgeCluster.PATIENCE).until(() -> sleeping(worker).isEmpty());
        assertThat(cluster.echo("after-", 1, "0").getFirst().get(30, TimeUnit.SECONDS))
                .isEqualTo("right after-0");
    }

    static List<HostProcesses.Seen> sleeping(JudgeCluster.Node worker) throws IOException {
        return worker.processes().stream()
                .filter(process -> process.name().equals("sleep"))
                .toList();
    }
}
