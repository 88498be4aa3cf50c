// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter errors = new StringWriter();

    private int execute(String... arguments) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out, true));
        commandLine.setErr(new PrintWriter(errors, true));
        return commandLine.execute(arguments);
    }

    @Test
    void shouldShowTheCommandsWithoutOne() {
        assertThat(execute()).isZero();
        assertThat(out.toString()).contains("demo").contains("run").contains("doctor");
    }

    @ParameterizedTest
    @ValueSource(strings = {"demo", "run", "shell", "doctor"})
    void shouldDocumentTheExitCodesOfEveryCommand(String command) {
        assertThat(execute(command, "--help")).isZero();
        assertThat(out.toString()).contains("Exit codes:").contains("--verbose");
    }

    @ParameterizedTest
    @CsvSource({
        "nosuch, 2",
        "demo --containers=0, 2",
        "doctor --nosuch, 2",
        "run, 125",
        "shell --nosuch, 125"
    })
    void shouldRefuseAWrongCommandLineInOneLineAndPointToHelp(String line, int expected) {
        assertThat(execute(line.split(" "))).isEqualTo(expected);
        assertThat(errors.toString()).startsWith("cloister: ").contains("--help");
        assertThat(errors.toString().lines()).hasSizeLessThanOrEqualTo(2);
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void shouldRefuseARequestThatTheProtocolRefuses() {
        assertThat(execute("run", "--wall-time", "25h", "true")).isEqualTo(125);
        assertThat(errors.toString()).contains("wall time limit");
    }
}
