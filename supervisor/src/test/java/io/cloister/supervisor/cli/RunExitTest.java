// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.run.Usage;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunExitTest {
    private static final Termination KILLED = new Termination.Signalled(9, "SIGKILL", false);

    @ParameterizedTest
    @CsvSource({"OK, 0", "NONZERO_EXIT, 1", "NONZERO_EXIT, 42", "NONZERO_EXIT, 255"})
    void shouldPassOnTheProgramsExitCode(Status status, int code) {
        assertThat(RunExit.codeOf(ran(status, new Termination.Exited(code)))).isEqualTo(code);
    }

    @Test
    void shouldAdd128ToASignal() {
        assertThat(RunExit.codeOf(ran(Status.SIGNALLED, KILLED))).isEqualTo(137);
    }

    @ParameterizedTest
    @CsvSource({
        "TIME_LIMIT, 124",
        "MEMORY_LIMIT, 137",
        "OUTPUT_LIMIT, 153",
        "DISALLOWED_SYSCALL, 159",
        "CANCELLED, 130",
        "FILE_ERROR, 125",
        "INTERNAL_ERROR, 125"
    })
    void shouldTellWhatEndedAProgramHoweverItTookIt(Status status, int expected) {
        assertThat(RunExit.codeOf(ran(status, KILLED))).isEqualTo(expected);
        assertThat(RunExit.codeOf(ran(status, new Termination.Exited(0)))).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "FILE_ERROR, NOT_FOUND, 127",
        "FILE_ERROR, NOT_EXECUTABLE, 126",
        "FILE_ERROR, BAD_INTERPRETER, 126",
        "FILE_ERROR, TOO_LARGE, 125",
        "INTERNAL_ERROR, CONTAINER_LOST, 125",
        "INTERNAL_ERROR, NOT_FOUND, 125",
        "INTERNAL_ERROR, SYSCALL, 125"
    })
    void shouldTellWhyAProgramDidNotRunAsShellsDo(Status status, Failure.Kind kind, int expected) {
        ProgramOutcome outcome = ProgramOutcome.notRun(status, Failure.of(kind, "for a reason"));

        assertThat(RunExit.codeOf(outcome)).isEqualTo(expected);
    }

    private static ProgramOutcome ran(Status status, Termination termination) {
        return new ProgramOutcome(
                status,
                Optional.empty(),
                Optional.of(termination),
                Optional.empty(),
                Usage.none(),
                Duration.ZERO,
                Duration.ZERO,
                Map.of(),
                Map.of(),
                List.of(),
                Evidence.none());
    }
}
