// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.cloister.it.judge.ProblemJudge.Judged;
import io.cloister.it.judge.ProblemPackage.Submission;
import io.cloister.supervisor.cli.ClusterOptions;
import io.cloister.supervisor.cli.Progress;
import io.cloister.supervisor.cli.Terminal;
import io.cloister.supervisor.cli.Version;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ./cloister judge}: verdicts on standard output, progress on standard error. */
@Command(
        name = "judge",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        description = {
            "Judges the submissions of a problem package in the format of Kattis and the ICPC, and"
                    + " compares the verdicts with the expected ones.",
            "It starts a judge worker in this process or, with --join, has a cluster do the work."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            " 0:every verdict is an expected one",
            " 1:one is not, or the package cannot be judged",
            " 2:the command line is wrong",
            "70:Cloister failed; ./cloister doctor may tell why"
        })
public final class Main implements Callable<Integer> {
    private static final String LOGBACK = "logback.configurationFile";
    private static final int UNEXPECTED = 1;
    private static final int FAILED = 70;
    private static final int MAX_JOBS = 64;
    private static final int CORES =
            Math.clamp(Runtime.getRuntime().availableProcessors(), 1, MAX_JOBS);

    @Spec private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "PACKAGE_DIR", description = "The directory with problem.yaml.")
    private Path directory = Path.of("");

    @Option(
            names = "--submission",
            paramLabel = "FILE",
            description = {
                "Judge this one alone: one of the package's, by its path below submissions, or any"
                        + " file or directory of files."
            })
    private @Nullable Path only;

    @Option(names = "--json", description = "Print one line of JSON for each submission.")
    private boolean json;

    @Option(
            names = "--all-cases",
            description = "Run a submission on every case, also after one that it failed.")
    private boolean all;

    @Option(
            names = "--jobs",
            paramLabel = "N",
            description =
                    "How many runs at a time, 1 to 64; as many as there are cores, or slots in the"
                            + " cluster.")
    private @Nullable Integer jobs;

    @Mixin private ClusterOptions cluster = new ClusterOptions();

    private Main() {}

    public static void main(String[] arguments) {
        if (System.getProperty(LOGBACK) == null) {
            System.setProperty(LOGBACK, "judge-logback.xml"); // before the first logger
        }
        System.exit(commandLine().execute(arguments));
    }

    /** The command, for whoever runs it in their own process. */
    public static CommandLine commandLine() {
        return new CommandLine(new Main())
                .setOut(utf8(System.out))
                .setErr(utf8(System.err))
                .setExecutionExceptionHandler((failure, command, parsed) -> {
                    command.getErr()
                            .println(
                                    "judge: "
                                            + Optional.ofNullable(failure.getMessage())
                                                    .orElse(failure.toString()));
                    return failure instanceof BadPackageException ? UNEXPECTED : FAILED;
                });
    }

    private static PrintWriter utf8(PrintStream stream) {
        return new PrintWriter(stream, true, StandardCharsets.UTF_8);
    }

    @Override
    public Integer call() throws IOException, InterruptedException, BadPackageException {
        if (jobs != null && (jobs < 1 || jobs > MAX_JOBS)) {
            throw wrongUsage("--jobs must be 1 to %d, not %d".formatted(MAX_JOBS, jobs));
        }
        if (!Files.isDirectory(directory)) {
            throw wrongUsage(
                    directory + " is no directory: name that of a problem package, unpacked");
        }
        long start = System.nanoTime();
        Config settings = settings();
        Config judge = settings.getConfig("judge");
        ProblemPackage problem = PackageReader.read(directory, judge.getConfig("limits"));
        List<Submission> submissions = submissions(problem);
        int programs = problem.interactive() ? 2 : 1;
        PrintWriter errors = spec.commandLine().getErr();
        Progress progress = new Progress(errors, Terminal.watchesErrors(), submissions.size());
        problem.notes().forEach(note -> errors.println("judge: " + note));
        ProblemJudge.Result result;
        try (NodeRuns runs = start(settings, programs);
                ProblemJudge judging =
                        ProblemJudge.prepare(
                                problem,
                                runs,
                                judge,
                                new ProblemJudge.Options(
                                        jobs != null ? jobs : jobsFor(runs, programs), all))) {
            result =
                    judging.judge(
                            submissions,
                            each ->
                                    progress.done(
                                            JudgeReport.printable(each.submission().name())
                                                    + ": "
                                                    + each.verdict().abbreviation()));
        } finally {
            progress.end();
        }
        PrintWriter out = spec.commandLine().getOut();
        List<Judged> judged = result.judged();
        if (json) {
            judged.forEach(each -> out.println(JudgeReport.json(each)));
        } else {
            Duration took = Duration.ofNanos(System.nanoTime() - start);
            out.print(JudgeReport.table(judged));
            out.println(JudgeReport.summary(problem, result, took));
        }
        out.flush();
        return judged.stream().allMatch(Judged::isAsExpected) ? 0 : UNEXPECTED;
    }

    private NodeRuns start(Config settings, int programs) throws IOException, InterruptedException {
        Config own = settings.withoutPath("judge");
        return cluster.joins()
                ? NodeRuns.join(cluster, own)
                : NodeRuns.local(own, (jobs != null ? jobs : CORES) * programs);
    }

    private static int jobsFor(NodeRuns runs, int programs) {
        return Math.clamp(runs.slots() / programs, 1, MAX_JOBS);
    }

    private ParameterException wrongUsage(String reason) {
        return new ParameterException(spec.commandLine(), reason);
    }

    private Config settings() {
        return ConfigFactory.defaultOverrides()
                .withFallback(cluster.settingsFile())
                .withFallback(ConfigFactory.parseResources("judge.conf"))
                .resolve();
    }

    private List<Submission> submissions(ProblemPackage problem)
            throws IOException, BadPackageException {
        Path wanted = only;
        if (wanted == null) {
            if (problem.submissions().isEmpty()) {
                throw new BadPackageException(
                        directory.resolve("submissions"), "no submissions: nothing to judge");
            }
            return problem.submissions();
        }
        Path below = directory.resolve("submissions");
        for (Path path : List.of(wanted, below.resolve(wanted))) {
            if (Files.exists(path)) {
                for (Submission each : problem.submissions()) {
                    if (Files.isSameFile(path, below.resolve(each.name()))) {
                        return List.of(each);
                    }
                }
                return List.of(PackageReader.foreignSubmission(path));
            }
        }
        throw wrongUsage("--submission %s: no such file".formatted(wanted));
    }
}
