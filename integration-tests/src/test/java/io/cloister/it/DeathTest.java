// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.PingReply;
import io.cloister.protocol.message.ResetReply;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.pool.ContainerSupervisor;
import io.cloister.supervisor.pool.ContainerSupervisor.AcquireReply;
import io.cloister.supervisor.pool.ContainerSupervisor.Create;
import io.cloister.supervisor.pool.ContainerSupervisor.Lease;
import io.cloister.supervisor.pool.ContainerSupervisor.NotAcquired;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

/** init or the zygote killed, or stopped, at the worst moments. */
class DeathTest extends WorkerTest {
    DeathTest() {
        super("cloister.container { deadline = 3s, configure-deadline = 5s }");
    }

    /** Not the parent of a container at hand, which an earlier zygote may have forked. */
    private static int zygote() {
        List<Integer> zygotes = Processes.children((int) ProcessHandle.current().pid());
        zygotes.removeIf(pid -> !Processes.status(pid, "Name").equals("cloister-zygote"));
        assertThat(zygotes).hasSize(1);
        return zygotes.getFirst();
    }

    private static void assertLost(Object reply) {
        assertThat(reply)
                .isInstanceOfSatisfying(
                        Failure.class,
                        failure ->
                                assertThat(failure.kind())
                                        .as(failure.describe())
                                        .isEqualTo(Failure.Kind.CONTAINER_LOST));
    }

    @Test
    void shouldTellWatchersOfAnInitThatDiesIdle() {
        try (Leased container = acquire()) {
            Processes.signal(container.initPid(), Processes.SIGKILL);
            container.awaitEnd();
        }
        acquire().close();
    }

    @Test
    void shouldReplaceAPooledContainerWhoseInitDies() {
        Leased container = acquire();
        int init = container.initPid();
        container.close();
        worker().awaitCalm();
        Processes.signal(init, Processes.SIGKILL);
        container.awaitEnd();
        worker().awaitCalm();
        try (Leased other = acquire()) {
            assertThat(other.container()).isNotEqualTo(container.container());
            other.run("/bin/true").assertExit(0);
        }
    }

    @Test
    void shouldAnswerEverythingWhenInitDiesDuringARun() {
        try (Leased container = acquire()) {
            int init = container.initPid();
            CompletionStage<ExecveReply> run =
                    container.executeLater(
                            Execve.of("/bin/sleep", "1000")
                                    .wallTime(Duration.ofSeconds(100))
                                    .build(),
                            ExecveDescriptors.none());
            CompletionStage<ExecveReply> queued =
                    container.executeLater(
                            Execve.of("/bin/true").build(), ExecveDescriptors.none());
            CompletionStage<ResetReply> reset = container.resetLater();
            assertThat(container.ping()).isNotInstanceOf(Failure.class);
            List<Integer> programs = Processes.children(init);
            Processes.signal(init, Processes.SIGKILL);
            assertLost(Worker.await(run));
            assertLost(Worker.await(queued));
            assertLost(Worker.await(reset));
            container.awaitEnd();
            assertThat(programs).noneMatch(Processes::isAlive);
        }
    }

    @Test
    void shouldAnswerWhenInitDiesWithCommandsInItsSocket() {
        try (Leased container = acquire()) {
            int init = container.initPid();
            Processes.signal(init, Processes.SIGSTOP);
            CompletionStage<PingReply> ping = container.pingLater();
            CompletionStage<ResetReply> reset = container.resetLater();
            Processes.signal(init, Processes.SIGKILL);
            assertLost(Worker.await(ping));
            assertLost(Worker.await(reset));
            container.awaitEnd();
        }
    }

    @Test
    void shouldRefuseTheRequesterWhenInitDiesDuringConf() {
        int zygote = zygote();
        worker().awaitOne();
        List<Integer> others = Processes.children(zygote);
        ContainerConfig slow =
                worker().standard().toBuilder().initCommand(List.of("/bin/sleep", "1000")).build();
        CompletionStage<AcquireReply> reply =
                worker().<ContainerSupervisor.Command, AcquireReply>ask(
                                worker().supervisor(),
                                replyTo -> new Create(slow, Optional.empty(), replyTo));
        Waiting.until(() -> {
            List<Integer> inits = Processes.children(zygote);
            inits.removeAll(others);
            assertThat(inits).hasSize(1);
            assertThat(Processes.children(inits.getFirst())).hasSize(1);
            Processes.signal(inits.getFirst(), Processes.SIGKILL);
        });
        assertThat(Worker.await(reply)).isInstanceOf(NotAcquired.class);
    }

    @Test
    void shouldRefuseTheRequesterWhenConfTakesTooLong() {
        ContainerConfig slow =
                worker().standard().toBuilder().initCommand(List.of("/bin/sleep", "1000")).build();
        assertThat(worker().tryCreate(slow)).isInstanceOf(NotAcquired.class);
    }

    @Test
    void shouldStartAnotherZygoteAndKeepItsContainers() {
        int zygote = zygote();
        try (Leased old = acquire()) {
            Processes.signal(zygote, Processes.SIGKILL);
            Waiting.until(() -> assertThat(Processes.isAlive(zygote)).isFalse());
            old.run("/bin/true").assertExit(0);
            try (Leased fresh = worker().create(worker().standard())) {
                fresh.run("/bin/true").assertExit(0);
                assertThat(Processes.parent(fresh.initPid())).isNotEqualTo(zygote);
                old.run("/bin/true").assertExit(0);
            }
        }
    }

    @Test
    void shouldReplaceAZygoteThatDoesNotAnswer() {
        int zygote = zygote();
        Processes.signal(zygote, Processes.SIGSTOP);
        assertThat(worker().tryCreate(worker().standard())).isInstanceOf(NotAcquired.class);
        Waiting.until(() -> {
            AcquireReply reply = worker().tryCreate(worker().standard());
            assertThat(reply).isInstanceOf(Lease.class);
            worker().release((Lease) reply);
        });
        Waiting.until(() -> assertThat(Processes.isAlive(zygote)).isFalse());
    }
}
