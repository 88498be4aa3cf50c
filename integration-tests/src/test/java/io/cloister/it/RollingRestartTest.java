// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.kryo.ProtocolKryo;
import io.cloister.supervisor.cluster.NextReleaseSerializer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A cluster that is upgraded node by node while it is at work. */
@Tag("beside")
class RollingRestartTest {
    private static final String NEXT_RELEASE =
            "akka.actor.serializers.cloister = \"%s\""
                    .formatted(NextReleaseSerializer.class.getName());

    private static final String WRITES_OLD =
            "cloister.cluster.wire-version = " + ProtocolKryo.VERSION;

    @TempDir Path directory;

    /** First nodes that know the next version, then nodes that write it, too. */
    @Test
    @Timeout(300)
    void shouldAnswerEachRunOnceWhileNodesOfTheNextReleaseReplaceThoseOfThis() throws Exception {
        try (JudgeCluster cluster = new JudgeCluster(directory, NEXT_RELEASE, WRITES_OLD)) {
            List<JudgeCluster.Node> nodes = new ArrayList<>();
            nodes.add(cluster.worker(1));
            nodes.add(cluster.worker(1));
            cluster.awaitWorkers(2);
            RunStream runs = new RunStream(cluster, "rolling-", "0.1", 6, Integer.MAX_VALUE);
            for (String writes : List.of(WRITES_OLD, NextReleaseSerializer.WRITES)) {
                assertThat(NextReleaseSerializer.read()).isZero();
                for (int i = 0; i < nodes.size(); i++) {
                    runs.awaitMore(3);
                    JudgeCluster.Node leaving = nodes.get(i);
                    nodes.set(i, cluster.worker(1, NEXT_RELEASE, writes));
                    leaving.leave();
                }
            }
            runs.awaitMore(6);
            runs.end();
            assertThat(NextReleaseSerializer.read()).isPositive();
            assertThat(cluster.view().lostAttempts()).isZero();
        }
    }

    /** What it says is dropped, and nobody else is the worse for it. */
    @Test
    @Timeout(180)
    void shouldNotBeUnderstoodWhenItWritesTheNextVersionTooSoon() throws Exception {
        try (JudgeCluster cluster = new JudgeCluster(directory)) {
            JudgeCluster.Node worker = cluster.worker(1);
            cluster.awaitWorkers(1);
            JudgeCluster.Node early =
                    cluster.start(List.of(NEXT_RELEASE, NextReleaseSerializer.WRITES));

            assertThat(early.jvm().ask("submit tests early- 1 0 3")).isEqualTo("submitted");

            assertThat(early.jvm().listen()).isEqualTo("EXPIRED early-0");
            assertThat(worker.jvm().log())
                    .contains("version %d".formatted(ProtocolKryo.VERSION + 1));
            JudgeCluster.assertRight(cluster.echo("others-", 2, "0"), "others-");
        }
    }
}
