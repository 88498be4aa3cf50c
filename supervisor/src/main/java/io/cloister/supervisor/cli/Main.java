// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command line: parses it and hands over to the command's class. */
@Command(
        name = "cloister",
        description = "Runs untrusted programs in containers that are ready in a millisecond.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        subcommands = {
            DemoCommand.class,
            RunCommand.class,
            ShellCommand.class,
            DoctorCommand.class,
            WorkerCommand.class,
            ServeCommand.class,
            TopCommand.class,
            HelpCommand.class
        })
public final class Main implements Runnable {
    /** A wrong command line: EX_USAGE would be 64, but 2 is what shells and picocli use. */
    static final int USAGE = 2;

    /** Cloister itself failed: EX_SOFTWARE of sysexits.h. */
    static final int SOFTWARE = 70;

    /** As shells report the end by SIGINT; the JVM itself sets the code of the signal there was. */
    static final int INTERRUPTED = 130;

    private static final String LOGBACK = "logback.configurationFile";
    private static final String LOG_LEVEL = "cloister.log.level";

    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--verbose",
            description = "Log what the containers are told, to standard error.",
            scope = ScopeType.INHERIT)
    void setVerbose(boolean verbose) {
        if (verbose) {
            System.setProperty(LOG_LEVEL, "DEBUG"); // read when the first logger is made
        }
    }

    /** For commands that run for long; to be called before the first logger is made. */
    static void logAtLeastInfo() {
        if (System.getProperty(LOG_LEVEL) == null) {
            System.setProperty(LOG_LEVEL, "INFO");
        }
    }

    /** Without a command. */
    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    /** Runs the command line and ends the process with its exit code. */
    public static void main(String[] arguments) {
        if (System.getProperty(LOGBACK) == null) {
            System.setProperty(LOGBACK, "cli-logback.xml");
        }
        // the C locale would turn every symbol into a question mark
        System.setOut(utf8(System.out));
        System.setErr(utf8(System.err));
        System.exit(commandLine().execute(arguments));
    }

    private static PrintStream utf8(PrintStream stream) {
        return new PrintStream(stream, true, StandardCharsets.UTF_8);
    }

    static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new Main());
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.setExecutionExceptionHandler((failure, command, parsed) -> {
            command.getErr().println("cloister: " + messageOf(failure));
            if ("DEBUG".equals(System.getProperty(LOG_LEVEL))) {
                failure.printStackTrace(command.getErr());
            }
            return command.getCommandSpec().exitCodeOnExecutionException();
        });
        commandLine.setParameterExceptionHandler((wrong, arguments) -> {
            CommandLine command = wrong.getCommandLine();
            command.getErr().println("cloister: " + wrong.getMessage());
            command.getErr().printf("Try '%s --help'.%n", command.getCommandSpec().qualifiedName());
            return command.getCommandSpec().exitCodeOnInvalidInput();
        });
        // what follows the program's name is the program's
        for (String command : new String[] {"run", "shell"}) {
            Objects.requireNonNull(commandLine.getSubcommands().get(command))
                    .setStopAtPositional(true);
        }
        return commandLine;
    }

    private static String messageOf(Throwable failure) {
        return Optional.ofNullable(failure.getMessage()).orElseGet(failure::toString);
    }
}
