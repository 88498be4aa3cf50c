// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.supervisor.cluster.ClusterView;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Nodes in network namespaces of their own, whose links are cut. */
@Timeout(180)
class PartitionTest {
    /** A link may be silent for 2 s, and the side that is smaller goes 20 s later. */
    private static final String[] PATIENT = {
        "akka.cluster.failure-detector.acceptable-heartbeat-pause = 2s",
        "akka.cluster.split-brain-resolver.stable-after = 20s"
    };

    @TempDir Path directory;
    private TestNetwork network;
    private JudgeCluster cluster;

    @BeforeEach
    void start() throws Exception {
        network = new TestNetwork();
    }

    @AfterEach
    void stop() throws Exception {
        try {
            if (cluster != null) {
                cluster.close();
            }
        } finally {
            if (network != null) {
                network.close();
            }
        }
    }

    private void cluster(String... settings) {
        String[] all = Arrays.copyOf(settings, settings.length + 1);
        all[settings.length] = hostname(TestNetwork.HERE);
        cluster = new JudgeCluster(directory, all);
    }

    private static String hostname(String address) {
        return "akka.remote.artery.canonical.hostname = \"%s\"".formatted(address);
    }

    private JudgeCluster.Node node(TestNetwork.Place place, List<String> settings, String... more)
            throws Exception {
        List<String> all = new ArrayList<>(settings);
        all.addAll(List.of(more));
        all.add(hostname(place.address()));
        return cluster.start(place.command(), all);
    }

    private JudgeCluster.Node queue(TestNetwork.Place place) throws Exception {
        return node(place, List.of("akka.cluster.roles = [ cloister-queue ]"), PATIENT);
    }

    private JudgeCluster.Node worker(TestNetwork.Place place, String... more) throws Exception {
        return node(place, ClusterConfig.worker(directory, 1), more);
    }

    private static boolean isUnreachable(ClusterView view) {
        return view.workers().stream()
                .anyMatch(worker -> worker.condition() == ClusterView.Condition.UNREACHABLE);
    }

    @Test
    void shouldLoseNothingWhenALinkIsCutForAMoment() throws Exception {
        cluster(PATIENT);
        JudgeCluster.Node queue = queue(network.place());
        TestNetwork.Place place = network.place();
        worker(place, PATIENT);
        worker(network.place(), PATIENT);
        TestNetwork.Place away = network.place();
        JudgeCluster.Node client = node(away, List.of(), PATIENT);
        cluster.awaitWorkers(2);
        assertThat(cluster.view().queueNode()).isEqualTo(queue.address());

        List<CompletableFuture<String>> replies = cluster.echo("worker-", 6, "1");
        cluster.await(view -> view.running() == 2);
        place.cut();
        cluster.await(PartitionTest::isUnreachable);
        place.mend();
        JudgeCluster.assertRight(replies, "worker-");
        cluster.awaitWorkers(2);

        assertThat(client.jvm().ask("submit tests client- 4 1")).isEqualTo("submitted");
        cluster.await(view -> view.running() == 2);
        away.cut();
        cluster.await(view -> view.unfetched() == 4); // what there is to be told waits
        away.mend();
        Set<String> told = new HashSet<>();
        while (told.size() < 4) {
            assertThat(told.add(client.jvm().listen())).as("told once").isTrue();
        }
        assertThat(told)
                .containsExactlyInAnyOrder(
                        "right client-0", "right client-1", "right client-2", "right client-3");
        cluster.await(view -> view.unfetched() == 0);
        assertThat(cluster.view().lostAttempts()).isZero();
    }

    @Test
    void shouldGoOnWithoutTheSmallerSideEvenIfItHadTheQueue() throws Exception {
        cluster();
        TestNetwork.Place place = network.place();
        JudgeCluster.Node first = worker(place);
        worker(network.place());
        worker(network.place());
        cluster.awaitWorkers(3);
        assertThat(cluster.view().queueNode()).isEqualTo(first.address());
        RunStream runs = new RunStream(cluster, "cut-", "0.5", 6, Integer.MAX_VALUE);
        runs.awaitMore(3);
        List<HostProcesses.Seen> processes = HostProcesses.descendants(first.jvm().process().pid());
        assertThat(processes).isNotEmpty();

        place.cut();
        cluster.await(
                view -> !view.queueNode().equals(first.address()) && view.workers().size() == 2);
        runs.awaitMore(3);
        assertThat(first.jvm().listen()).isEqualTo("terminated");
        assertThat(HostProcesses.living(processes)).isEmpty();

        place.mend();
        runs.awaitMore(6);
        runs.end();
        assertThat(cluster.view().workers()).hasSize(2);
    }
}
