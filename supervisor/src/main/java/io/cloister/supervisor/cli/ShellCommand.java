// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.supervisor.CloisterSettings;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** An interactive shell in a container, for looking around. */
@Command(
        name = "shell",
        description = {
            "Starts an interactive shell in a fresh container, for looking around.",
            "It sees what a program sees that './cloister run' starts, with the same limits if they"
                    + " are given. What it leaves in the container is gone when it ends."
        },
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        exitCodeOnInvalidInput = RunExit.CLOISTER_FAILED,
        exitCodeOnExecutionException = RunExit.CLOISTER_FAILED,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"N:those of the shell, and otherwise as those of run"})
final class ShellCommand implements Callable<Integer> {
    private static final String SHELL = "/bin/sh";

    /** As its profiles allow where their operator says nothing else. */
    private static final Duration LONGEST_OF_SERVICE = Duration.ofHours(1);

    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private ProgramOptions options = new ProgramOptions();

    @Parameters(
            arity = "0..*",
            paramLabel = "PROGRAM",
            description = "Another program than " + SHELL + ", and its arguments.")
    private List<String> arguments = new ArrayList<>();

    @Override
    public Integer call() throws IOException, InterruptedException {
        Map<String, Object> overrides = new HashMap<>(options.settings());
        overrides.put("cloister.containers.warm", 1);
        overrides.put("cloister.containers.max", 1);
        boolean ofService =
                CloisterSettings.from(EmbeddedWorker.config(overrides, false)).socket().isPresent();
        Program.Builder program = Program.of(arguments.isEmpty() ? List.of(SHELL) : arguments);
        try {
            program.limits(options.limits(ofService ? LONGEST_OF_SERVICE : Limits.MAX_TIME));
            options.apply(program);
        } catch (InvalidRequest e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
        try (EmbeddedWorker worker = EmbeddedWorker.local(overrides, options::shape)) {
            ProgramOutcome outcome = TerminalRun.run(worker, program).results().getFirst();
            if (!worker.isInterrupted()) {
                RunReport.trouble(outcome)
                        .ifPresent(
                                text -> spec.commandLine().getErr().println("cloister: " + text));
            }
            return RunExit.codeOf(outcome);
        }
    }
}
