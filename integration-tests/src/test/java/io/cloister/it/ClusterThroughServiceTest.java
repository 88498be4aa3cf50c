// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.nativeio.libc.LibC;
import io.cloister.supervisor.cluster.ClusterView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same with workers of an ordinary user who has no capability: their containers are of
 * services.
 */
class ClusterThroughServiceTest extends ClusterRunsTest {
    /** Nobody has it, and it belongs to no range of ids. */
    private static final int UID = 54_322;

    @TempDir private static Path readable;
    private static ChildJvm.User user;

    @BeforeAll
    static void copyClasses() throws Exception {
        assumeTrue(LibC.geteuid() == 0, "only root can become another user");
        Files.setPosixFilePermissions(readable, PosixFilePermissions.fromString("rwxr-xr-x"));
        user = new ChildJvm.User(UID, ChildJvm.copyClassPath(readable));
    }

    @Override
    JudgeCluster newCluster(Path directory) throws Exception {
        return JudgeCluster.of(user, directory);
    }

    /** Its service goes on. */
    @Override
    List<HostProcesses.Seen> thatEndWith(JudgeCluster.Node worker) throws IOException {
        return sleeping(worker);
    }

    @Override
    void takesLong() {
        assumeTrue(Boolean.getBoolean("cloister.long"), "only with ./cloister verify --long");
    }

    /** While it is away, longer than a run may wait for a container, no run is given away. */
    @Test
    void shouldKeepRunsWhoseServiceIsKilledUntilItIsBack() throws Exception {
        JudgeCluster.Node worker =
                cluster().worker(2, "cloister.containers.acquire-timeout = 500ms");
        ServiceProcess service = worker.service().orElseThrow();
        cluster().awaitWorkers(1);
        List<CompletableFuture<String>> replies = cluster().echo("service-", 6, "1");
        cluster().await(view -> view.running() == 2);
        List<HostProcesses.Seen> processes = worker.processes();
        assertThat(processes).isNotEmpty();

        service.kill();

        worker.jvm().awaitLog("the sandbox does not hold");
        assertThat(HostProcesses.living(processes)).isEmpty();
        cluster()
                .await(view ->
                        view.running() == 0
                                && view.waiting() > 0
                                && view.workers().getFirst().condition()
                                        == ClusterView.Condition.CLOSED);
        service.startAgain();
        JudgeCluster.assertRight(replies, "service-");
        cluster()
                .await(view -> {
                    ClusterView.WorkerView seen = view.workers().getFirst();
                    return seen.failed() <= 2 && seen.finished() == 6 + seen.failed();
                });
    }
}
