// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BlameTest {
    private static ProgramOutcome notRun(Status status, Failure.Kind kind) {
        return ProgramOutcome.notRun(status, Failure.of(kind, "a test"));
    }

    private static boolean isWorkers(ProgramOutcome... outcomes) {
        return Blame.isWorkers(new RunResult("run", List.of(outcomes), Map.of()));
    }

    @ParameterizedTest
    @EnumSource(
            value = Failure.Kind.class,
            names = {"CONTAINER_LOST", "DEADLINE", "UNAVAILABLE", "BUSY", "INTERNAL", "SYSCALL"})
    void shouldBlameTheWorkerForItsOwnTrouble(Failure.Kind kind) {
        assertThat(isWorkers(notRun(Status.INTERNAL_ERROR, kind))).isTrue();
        assertThat(
                        isWorkers(
                                notRun(Status.CANCELLED, Failure.Kind.REFUSED),
                                notRun(Status.INTERNAL_ERROR, kind)))
                .isTrue();
    }

    @ParameterizedTest
    @EnumSource(
            value = Failure.Kind.class,
            names = {"INVALID_REQUEST", "NOT_ENFORCEABLE", "TOO_LARGE", "NOT_FOUND", "REFUSED"})
    void shouldNotBlameItForTheRequest(Failure.Kind kind) {
        assertThat(isWorkers(notRun(Status.INTERNAL_ERROR, kind))).isFalse();
    }

    @ParameterizedTest
    @EnumSource(Failure.Kind.class)
    void shouldKnowWhatMayBeForWantOfAContainer(Failure.Kind kind) {
        RunResult result =
                new RunResult(
                        "run",
                        List.of(
                                notRun(Status.CANCELLED, Failure.Kind.REFUSED),
                                notRun(Status.INTERNAL_ERROR, kind)),
                        Map.of());
        assertThat(Blame.isContainers(result))
                .isEqualTo(kind == Failure.Kind.CONTAINER_LOST || kind == Failure.Kind.UNAVAILABLE);
    }

    @Test
    void shouldNotBlameItForWhatTheProgramDid() {
        for (Status status : Status.values()) {
            assertThat(isWorkers(notRun(status, Failure.Kind.SYSCALL)))
                    .as(status.name())
                    .isEqualTo(status == Status.INTERNAL_ERROR);
        }
    }
}
