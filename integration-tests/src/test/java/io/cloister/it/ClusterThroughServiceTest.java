// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.nativeio.libc.LibC;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.Status;
import io.cloister.supervisor.cluster.ClusterView;
import io.cloister.supervisor.cluster.RunReply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
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

    /** They belong to another user than the worker, which may not look at them itself. */
    @Test
    void shouldEndAGroupWhoseProgramsWaitForEachOther() throws Exception {
        cluster().worker(2);
        cluster().awaitWorkers(1);
        Program reader =
                Program.of("/bin/sh", "-c", "read x; echo $x")
                        .limits(Limits.builder().wallTime(Duration.ofSeconds(60)).build())
                        .build();
        Run run =
                new Run(
                        "deadlock",
                        List.of(reader, reader),
                        List.of(PipeLink.direct(0, 1, 1, 0), PipeLink.direct(1, 1, 0, 0)),
                        Optional.empty());

        RunReply reply =
                cluster()
                        .submit(run, "tests", Echo.TERMS)
                        .toCompletableFuture()
                        .get(JudgeCluster.PATIENCE.toSeconds(), TimeUnit.SECONDS);

        assertThat(reply)
                .isInstanceOfSatisfying(
                        RunReply.Completed.class,
                        completed ->
                                assertThat(completed.result().results())
                                        .allMatch(outcome -> outcome.status() == Status.TIME_LIMIT)
                                        .allMatch(outcome -> outcome.evidence().idle()));
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
