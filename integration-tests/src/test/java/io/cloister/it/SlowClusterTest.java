// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.supervisor.cluster.ClusterView;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A cluster whose workers hang, whose queue is full, and whose runs kill their workers. */
@Tag("beside")
@Timeout(180)
class SlowClusterTest {
    @TempDir Path directory;
    @AutoClose private JudgeCluster cluster;

    @BeforeEach
    void start() {
        cluster = new JudgeCluster(directory);
    }

    private static String await(CompletableFuture<String> reply) throws Exception {
        return reply.get(JudgeCluster.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    @Test
    void shouldWaitForAWorkerThatHangsForAMoment() throws Exception {
        // unreachable after 2 s, and lost not before another 20
        cluster.queue(
                "akka.cluster.failure-detector.acceptable-heartbeat-pause = 2s",
                "akka.cluster.split-brain-resolver.stable-after = 20s");
        JudgeCluster.Node worker = cluster.workerOnly(2);
        cluster.awaitWorkers(1);
        List<CompletableFuture<String>> replies = cluster.echo("moment-", 4, "1");
        cluster.await(view -> view.running() == 2);

        worker.jvm().stop();
        cluster.await(
                view -> view.workers().getFirst().condition() == ClusterView.Condition.UNREACHABLE);
        worker.jvm().goOn();

        JudgeCluster.assertRight(replies, "moment-");
        assertThat(cluster.view().lostAttempts()).isZero();
    }

    @Test
    void shouldCarryOutElsewhereWhatAWorkerThatHangsOnHad() throws Exception {
        // to its cluster it is like one that was killed, but for what it does when it goes on
        assumeTrue(Boolean.getBoolean("cloister.long"), "only with ./cloister verify --long");
        cluster.queue();
        JudgeCluster.Node worker = cluster.workerOnly(2);
        cluster.awaitWorkers(1);
        List<CompletableFuture<String>> replies = cluster.echo("hangs-", 4, "1");
        cluster.await(view -> view.running() == 2);
        List<HostProcesses.Seen> processes =
                HostProcesses.descendants(worker.jvm().process().pid());

        worker.jvm().stop();
        cluster.workerOnly(2);
        cluster.await(view -> view.lostAttempts() == 2);
        JudgeCluster.assertRight(replies, "hangs-");

        worker.jvm().goOn(); // and finds that it does not belong to the cluster any more
        assertThat(worker.jvm().listen()).isEqualTo("terminated");
        Waiting.until(() -> assertThat(HostProcesses.living(processes)).isEmpty());
        JudgeCluster.assertRight(cluster.echo("later-", 4, "0"), "later-");
        assertThat(cluster.view().workers()).hasSize(1);
    }

    @Test
    void shouldRefuseWhatTheQueueHasNoRoomForAndGiveUpWhatKillsWorkers() throws Exception {
        cluster.queue("cloister.cluster.queue.max-runs = 3");
        JudgeCluster.Node worker = cluster.workerOnly(1);
        cluster.awaitWorkers(1);
        CompletableFuture<String> killer = cluster.echo("killer-", 1, "50").getFirst();
        cluster.await(view -> view.running() == 1);
        List<CompletableFuture<String>> fill = cluster.echo("fill-", 2, "0");
        cluster.await(view -> view.waiting() == 2);

        assertThat(await(cluster.echo("more-", 1, "0").getFirst())).isEqualTo("OVERLOADED more-0");

        worker.kill();
        JudgeCluster.Node second = cluster.startAgain(worker);
        cluster.await(view -> view.lostAttempts() == 1 && view.running() == 1);
        second.kill();
        assertThat(await(killer)).isEqualTo("QUARANTINED killer-0");

        cluster.startAgain(second);
        JudgeCluster.assertRight(fill, "fill-");
        JudgeCluster.assertRight(cluster.echo("more-", 1, "0"), "more-");
    }
}
