// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.run.Usage;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class RunExitTest {
    private static final Termination KILLED = new Termination.Signalled(9, "SIGKILL", false);

    @ParameterizedTest
    @CsvSource({"0", "1", "42", "255"})
    void shouldPassOnTheProgramsExitCode(int code) {
        assertThat(RunExit.codeOf(result(new Termination.Exited(code), Optional.empty())))
                .isEqualTo(code);
    }

    @Test
    void shouldAdd128ToASignal() {
        assertThat(RunExit.codeOf(result(KILLED, Optional.empty()))).isEqualTo(137);
    }

    @ParameterizedTest
    @EnumSource(names = {"WALL_TIME", "CPU_TIME"})
    void shouldTellTimeLimitsFromOtherSignals(Limit limit) {
        assertThat(RunExit.codeOf(result(KILLED, Optional.of(limit)))).isEqualTo(124);
    }

    @ParameterizedTest
    @CsvSource({
        "NOT_FOUND, 127",
        "NOT_EXECUTABLE, 126",
        "BAD_INTERPRETER, 126",
        "CONTAINER_LOST, 125",
        "INVALID_REQUEST, 125",
        "SYSCALL, 125"
    })
    void shouldTellWhyAProgramDidNotRunAsShellsDo(Failure.Kind kind, int expected) {
        assertThat(RunExit.codeOf(Failure.of(kind, "for a reason"))).isEqualTo(expected);
    }

    private static ExecveResult result(Termination termination, Optional<Limit> limit) {
        return new ExecveResult(
                termination,
                Usage.none(),
                Duration.ZERO,
                Duration.ZERO,
                limit,
                false,
                List.of(),
                Evidence.none());
    }
}
