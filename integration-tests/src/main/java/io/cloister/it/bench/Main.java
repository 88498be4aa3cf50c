// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import io.cloister.supervisor.cli.Version;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ./cloister bench}: the numbers on standard output, progress on standard error. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        description = "Measures Cloister against C programs that do the same by hand, in turns.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            " 0:measured (and with --check: every bar met)",
            " 1:with --check: a bar was missed",
            " 2:wrong usage",
            "70:could not measure"
        })
public final class Main implements Callable<Integer> {
    private static final String PAGE = "benchmarks.md";
    private static final String PLOT = "benchmarks.svg";
    private static final String LOGBACK = "logback.configurationFile";
    private static final int MISSED = 1;
    private static final int FAILED = 70;

    @Option(names = "--json", description = "Print JSON instead of a table.")
    private boolean json;

    @Option(names = "--check", description = "Fail if a bar is missed, and name each that is.")
    private boolean check;

    @Option(names = "--quick", description = "A tenth of the rounds: rougher numbers.")
    private boolean quick;

    @Option(
            names = "--only",
            paramLabel = "GROUP",
            split = ",",
            description = "Measure these alone: ${COMPLETION-CANDIDATES}.")
    private Set<Benchmarks.Group> only = EnumSet.allOf(Benchmarks.Group.class);

    @Option(
            names = "--publish",
            paramLabel = "DIR",
            description = "Also write " + PAGE + " and " + PLOT + " there.")
    private @Nullable Path publish;

    private final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private final PrintStream err = new PrintStream(System.err, true, StandardCharsets.UTF_8);

    private Main() {}

    public static void main(String[] arguments) {
        if (System.getProperty(LOGBACK) == null) {
            System.setProperty(LOGBACK, "bench-logback.xml"); // before the first logger
        }
        Main main = new Main();
        CommandLine command =
                new CommandLine(main)
                        .setCaseInsensitiveEnumValuesAllowed(true)
                        .setExecutionExceptionHandler((e, line, parsed) -> main.explain(e));
        System.exit(command.execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        Machine machine = Machine.here();
        List<Row> rows;
        Benchmarks.Scale scale = quick ? Benchmarks.Scale.QUICK : Benchmarks.Scale.FULL;
        try (Benchmarks benchmarks =
                Benchmarks.prepare(scale, line -> err.println("bench: " + line))) {
            rows = benchmarks.run(EnumSet.copyOf(only));
        }
        Report report = Report.today(machine, rows);
        out.print(json ? report.json() : report.table());
        if (publish != null) {
            Files.createDirectories(publish);
            Files.writeString(publish.resolve(PAGE), report.page(PLOT));
            Files.writeString(publish.resolve(PLOT), Plot.of(report));
        }
        if (!check) {
            return 0;
        }
        List<String> misses = report.misses();
        misses.forEach(miss -> err.println("bench: missed: " + miss));
        return misses.isEmpty() ? 0 : MISSED;
    }

    private int explain(Exception e) {
        String reason =
                Optional.ofNullable(e.getCause())
                        .map(Throwable::getMessage)
                        .or(() -> Optional.ofNullable(e.getMessage()))
                        .orElse(e.toString());
        err.println("bench: cannot measure: " + reason);
        return FAILED;
    }
}
