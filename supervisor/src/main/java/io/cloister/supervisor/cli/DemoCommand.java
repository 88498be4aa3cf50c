// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.supervisor.cli.DemoReport.Outcome;
import io.cloister.supervisor.judge.Judge;
import io.cloister.supervisor.judge.Language;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Judges the submissions that come with Cloister, as a judge worker would. */
@Command(
        name = "demo",
        description = {
            "Judges real submissions in C, C++, Python and Java and prints a table of the statuses.",
            "It starts a judge worker, an Akka cluster of one node, in this process. Several"
                    + " containers work at once; each submission is compiled and run in one of them."
        },
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        exitCodeOnExecutionException = Main.SOFTWARE,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:every status is the expected one; submissions in a language that this machine has no"
                    + " compiler for are skipped",
            "1:a status is another than expected",
            "2:the command line is wrong",
            "70:Cloister failed; ./cloister doctor may tell why"
        })
final class DemoCommand implements Callable<Integer> {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(names = "--json", description = "Print one JSON document instead of the table.")
    private boolean json;

    @Option(
            names = "--containers",
            paramLabel = "N",
            description = "How many containers work at once, 1 to 64; as many as there are cores.")
    private int containers = Math.clamp(Runtime.getRuntime().availableProcessors(), 1, 64);

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (containers < 1 || containers > 64) {
            throw new ParameterException(
                    spec.commandLine(), "--containers must be 1 to 64, not " + containers);
        }
        DemoSet set = DemoSet.load();
        PrintWriter errors = spec.commandLine().getErr();
        long start = System.nanoTime();
        Map<String, ?> overrides =
                Map.of(
                        "cloister.containers.warm",
                        containers,
                        // one that is leased and one that gets ready, for each that works
                        "cloister.containers.max",
                        2 * containers);
        List<Outcome> outcomes;
        try (EmbeddedWorker worker = EmbeddedWorker.clustered(overrides)) {
            Progress progress =
                    new Progress(errors, Terminal.watchesErrors(), set.submissions().size());
            outcomes = judgeAll(set, worker, progress);
            progress.end();
            if (worker.isInterrupted()) {
                return Main.INTERRUPTED;
            }
        }
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        DemoReport report = new DemoReport(set, outcomes, took);
        PrintWriter out = spec.commandLine().getOut();
        out.print(json ? report.json() : report.table());
        out.flush();
        return report.isAsExpected() ? 0 : 1;
    }

    private List<Outcome> judgeAll(DemoSet set, EmbeddedWorker worker, Progress progress)
            throws IOException, InterruptedException {
        Judge judge = new Judge(set.problem(), run -> await(worker, run));
        try (ExecutorService threads = Executors.newFixedThreadPool(containers)) {
            List<Future<Outcome>> futures = new ArrayList<>();
            for (DemoSet.Submission submission : set.submissions()) {
                Language language = set.languageOf(submission);
                futures.add(
                        threads.submit(() -> {
                            Outcome outcome = judge(judge, submission, language);
                            progress.done(
                                    "%s (%s): %s"
                                            .formatted(
                                                    submission.title(),
                                                    language.title(),
                                                    outcome.got()));
                            return outcome;
                        }));
            }
            List<Outcome> outcomes = new ArrayList<>();
            for (Future<Outcome> future : futures) {
                outcomes.add(future.get());
            }
            return outcomes;
        } catch (ExecutionException e) {
            throw new IOException("a submission could not be judged: " + e.getCause(), e);
        }
    }

    private static RunResult await(EmbeddedWorker worker, Run run) throws InterruptedException {
        try {
            return worker.run(run).toCompletableFuture().get();
        } catch (ExecutionException e) {
            Failure failure =
                    Failure.of(Failure.Kind.DEADLINE, "the worker did not answer: " + e.getCause());
            return new RunResult(
                    run.id(),
                    List.of(ProgramOutcome.notRun(Status.INTERNAL_ERROR, failure)),
                    Map.of());
        }
    }

    private static Outcome judge(Judge judge, DemoSet.Submission submission, Language language)
            throws IOException, InterruptedException {
        if (!Files.isExecutable(Path.of(language.needs()))) {
            return Outcome.skipped(submission, "no " + language.needs() + " on this machine");
        }
        return Outcome.judged(submission, judge.judge(language, submission.source()));
    }
}
