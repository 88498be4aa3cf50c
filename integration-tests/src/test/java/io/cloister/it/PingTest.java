// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.message.ContainerState;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.PingReply;
import io.cloister.protocol.message.Pong;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.handler.ExecveDescriptors;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

/** The ping command. */
class PingTest extends WorkerTest {
    PingTest() {
        super("cloister.container.deadline = 2s");
    }

    @Test
    void shouldAnswerForAnIdleContainer() {
        try (Leased container = acquire()) {
            assertThat(container.ping()).isEqualTo(Pong.of(ContainerState.IDLE));
        }
    }

    @Test
    void shouldTellTheAgeOfARunWhileItExecutes() {
        try (Leased container = acquire()) {
            CompletionStage<ExecveReply> run =
                    container.executeLater(
                            Execve.of("/bin/sleep", "60").wallTime(Duration.ofSeconds(60)).build(),
                            ExecveDescriptors.none());
            Pong first = (Pong) container.ping();
            Pong second = (Pong) container.ping();
            container.tell(new Container.Kill());
            assertThat(first.state()).isEqualTo(ContainerState.EXECUTING);
            assertThat(second.executingFor().orElseThrow())
                    .isGreaterThan(first.executingFor().orElseThrow());
            assertThat(Worker.await(run)).isInstanceOf(ExecveResult.class);
            assertThat(container.ping()).isEqualTo(Pong.of(ContainerState.IDLE));
        }
    }

    @Test
    void shouldDestroyAContainerThatDoesNotAnswer() {
        try (Leased container = acquire()) {
            int init = container.initPid();
            Processes.signal(init, Processes.SIGSTOP);
            PingReply reply = container.ping();
            assertThat(reply)
                    .isInstanceOfSatisfying(
                            Failure.class,
                            failure -> assertThat(failure.kind()).isEqualTo(Failure.Kind.DEADLINE));
            container.awaitEnd();
            assertThat(Processes.isAlive(init)).isFalse();
        }
    }

    @Test
    void shouldAnswerCommandsThatWaitBehindADeadContainer() {
        try (Leased container = acquire()) {
            Processes.signal(container.initPid(), Processes.SIGSTOP);
            CompletionStage<PingReply> first = container.pingLater();
            CompletionStage<ExecveReply> second =
                    container.executeLater(
                            Execve.of("/bin/true").build(), ExecveDescriptors.none());
            assertThat(Worker.await(first)).isInstanceOf(Failure.class);
            assertThat(Worker.await(second))
                    .isInstanceOfSatisfying(
                            Failure.class,
                            failure ->
                                    assertThat(failure.kind())
                                            .isEqualTo(Failure.Kind.CONTAINER_LOST));
        }
    }
}
