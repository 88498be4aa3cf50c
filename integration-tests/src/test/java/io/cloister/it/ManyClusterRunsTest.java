// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A cluster's long life in runs, shortened unless there is much time. */
@Tag("beside")
class ManyClusterRunsTest {
    private static final int RUNS = Boolean.getBoolean("cloister.long") ? 10_000 : 700;
    private static final int WORKERS = 3;

    /** After so many answers another worker is killed, and started again. */
    private static final int LIFE = 300;

    @TempDir Path directory;

    @Test
    @Timeout(1800)
    void shouldAnswerEachRunOnceWhileWorkersAreKilledAllTheTime() throws Exception {
        ServerSocketChannel.open().close(); // the JVM keeps a descriptor of its own for such ends
        HostState before = HostState.now();
        List<HostProcesses.Seen> killed = new ArrayList<>();
        List<Long> pids = new ArrayList<>();
        try (JudgeCluster cluster = new JudgeCluster(directory)) {
            // what kills the workers is not the runs
            cluster.queue("cloister.cluster.queue.max-lost = 1000");
            List<JudgeCluster.Node> workers = new ArrayList<>();
            for (int i = 0; i < WORKERS; i++) {
                workers.add(cluster.workerOnly(2));
            }
            cluster.awaitWorkers(WORKERS);

            RunStream runs = new RunStream(cluster, "many-", "0", 200, RUNS);
            int kills = 0;
            for (int next = 0; runs.answered() + LIFE < RUNS; next = (next + 1) % WORKERS) {
                runs.awaitMore(LIFE);
                JudgeCluster.Node dying = workers.get(next);
                killed.addAll(HostProcesses.descendants(dying.jvm().process().pid()));
                pids.add(dying.jvm().process().pid());
                dying.kill();
                kills++;
                workers.set(next, cluster.startAgain(dying));
            }
            runs.awaitAll();

            assertThat(runs.answered()).isEqualTo(RUNS);
            assertThat(kills).isPositive();
            assertThat(cluster.view().lostAttempts()).isPositive();
            cluster.awaitWorkers(WORKERS);
            for (JudgeCluster.Node worker : workers) {
                pids.add(worker.jvm().process().pid());
                worker.leave();
            }
        }
        before.assertUnchanged();
        for (long pid : pids) {
            assertThat(ControlGroups.of(pid)).as("control groups of worker " + pid).isEmpty();
        }
        Waiting.until(() -> assertThat(HostProcesses.living(killed)).isEmpty());
    }
}
