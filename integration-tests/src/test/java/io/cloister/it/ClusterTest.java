// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.nativeio.libc.LibC;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Judge workers are nodes of a cluster: two of them, each a JVM with containers of its own. */
@Tag("beside")
@Timeout(120)
class ClusterTest {
    private static final int FIRST_ID = 0x6100_0000;

    @TempDir Path directory;

    private ChildJvm startNode() throws Exception {
        ChildJvm node =
                ChildJvm.start(
                        WorkerProcess.class,
                        directory,
                        Optional.empty(),
                        List.of(
                                "akka.actor.provider = cluster",
                                "akka.remote.artery.canonical { hostname = \"127.0.0.1\", port = 0 }",
                                "akka.cluster.jmx.enabled = off",
                                "akka.coordinated-shutdown.run-by-jvm-shutdown-hook = on",
                                "cloister.containers { max = 2, warm = 1 }",
                                "cloister.uid-ranges { start = %d, count = 4, lock-file = \"%s\" }"
                                        .formatted(FIRST_ID, directory.resolve("lock"))));
        assertThat(node.listen()).isEqualTo("started");
        return node;
    }

    @Test
    void shouldServeContainersOnEachNodeOfACluster() throws Exception {
        assumeTrue(LibC.geteuid() == 0, "ranges of ids need root");
        try (ChildJvm first = startNode();
                ChildJvm second = startNode()) {
            String address = first.ask("address");
            // the system's name is part of the address, and must be the same on both
            assertThat(second.ask("address").split("@")[0]).isEqualTo(address.split("@")[0]);
            first.ask("join " + address);
            second.ask("join " + address);

            assertThat(first.ask("members 2")).isEqualTo("members 2");
            assertThat(second.ask("members 2")).isEqualTo("members 2");
            assertThat(first.ask("run")).isEqualTo("hello");
            assertThat(second.ask("run")).isEqualTo("hello");

            List<HostProcesses.Seen> processes = HostProcesses.descendants(second.process().pid());
            second.terminate();
            assertThat(second.process().waitFor(30, TimeUnit.SECONDS)).as(second.log()).isTrue();
            assertThat(HostProcesses.living(processes)).isEmpty();
            assertThat(first.ask("members 1")).as("it has left").isEqualTo("members 1");
            assertThat(first.ask("run")).isEqualTo("hello");
        }
    }
}
