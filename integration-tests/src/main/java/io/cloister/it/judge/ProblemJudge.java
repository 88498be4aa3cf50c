// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import com.typesafe.config.Config;
import io.cloister.it.judge.Compiler.Compilation;
import io.cloister.it.judge.Compiler.Failed;
import io.cloister.it.judge.Compiler.Ready;
import io.cloister.it.judge.ProblemPackage.Submission;
import io.cloister.it.judge.ProblemPackage.TestCase;
import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.run.Status;
import io.cloister.supervisor.judge.JudgeStatus;
import io.cloister.supervisor.judge.Judgement;
import io.cloister.supervisor.judge.Judgement.CaseJudgement;
import io.cloister.supervisor.judge.Judgement.Figures;
import io.cloister.supervisor.judge.Verdict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;

/**
 * Judges submissions to one problem, several things at a time: as many submissions as there are
 * jobs and, when fewer are left, several cases of each.
 */
final class ProblemJudge implements AutoCloseable {
    private final ProblemPackage problem;
    private final LanguageTable languages;
    private final Compiler compiler;
    private final CaseJudge cases;
    private final Config limits;
    private final boolean all;

    /** Each run in hand has a permit. */
    private final Semaphore jobs;

    private final ExecutorService submissions;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    /**
     * What came of a submission.
     *
     * @param language its code; empty when it is in none that is known
     */
    record Judged(Submission submission, String language, Judgement judgement) {
        JudgeStatus verdict() {
            return judgement.deciding().status();
        }

        boolean isAsExpected() {
            return submission.expectation().isMetBy(verdict());
        }
    }

    /**
     * Verdicts, and the CPU time limit that there was.
     *
     * @param time that of the package, or the one that was found
     */
    record Result(List<Judged> judged, Duration time) {
        Result {
            judged = List.copyOf(judged);
        }
    }

    private ProblemJudge(
            ProblemPackage problem,
            LanguageTable languages,
            Compiler compiler,
            CaseJudge cases,
            Config limits,
            Options options) {
        this.problem = problem;
        this.languages = languages;
        this.compiler = compiler;
        this.cases = cases;
        this.limits = limits;
        all = options.all();
        jobs = new Semaphore(options.jobs());
        submissions = Executors.newFixedThreadPool(options.jobs());
    }

    /**
     * How to judge.
     *
     * @param jobs how many things at a time
     * @param all whether a submission is run on the cases after one that it fails
     */
    record Options(int jobs, boolean all) {}

    /**
     * Makes ready for judging: looks which compilers there are, and compiles the package's
     * validators.
     *
     * @param config what is under {@code judge} in judge.conf
     * @throws BadPackageException for a validator that cannot be used
     */
    static ProblemJudge prepare(
            ProblemPackage problem, RunSender runs, Config config, Options options)
            throws IOException, InterruptedException, BadPackageException {
        Sender sender = new Sender(runs);
        Config limits = config.getConfig("limits");
        CaseJudge.Settings settings =
                new CaseJudge.Settings(
                        limits.getDouble("wall-factor"),
                        limits.getDuration("wall-extra"),
                        limits.getInt("processes"));
        LanguageTable languages =
                LanguageTable.find(LanguageTable.read(config.getConfig("languages")), sender);
        Compiler compiler = new Compiler(sender, languages, settings.processes());
        List<Ready> validators = new ArrayList<>();
        for (SourceFiles validator : problem.validators()) {
            switch (compiler.compileValidator(validator, problem.limits())) {
                case Ready ready -> validators.add(ready);
                case Failed failed ->
                        throw new BadPackageException(
                                validator.files().values().iterator().next(),
                                "the validator does not compile: %s %s"
                                        .formatted(
                                                failed.verdict().explanation(), failed.messages()));
            }
        }
        return new ProblemJudge(
                problem,
                languages,
                compiler,
                new CaseJudge(sender, problem, validators, settings),
                limits,
                options);
    }

    /**
     * Judges submissions. Where the package has no time limit, its accepted submissions are judged
     * first, to find one.
     *
     * @param wanted in whatever order
     * @param progress told of each that is done, by several threads
     * @return verdicts in the same order
     */
    Result judge(List<Submission> wanted, Consumer<Judged> progress)
            throws IOException, InterruptedException {
        Map<Submission, Judged> judged = new HashMap<>();
        Duration time = problem.limits().time().orElse(Duration.ZERO);
        if (time.isZero()) {
            List<Submission> accepted =
                    problem.submissions().stream()
                            .filter(each ->
                                    each.expectation().equals(Expectation.accepted())
                                            && each.name().startsWith("accepted/"))
                            .toList();
            Consumer<Judged> wantedOnly =
                    each -> {
                        if (wanted.contains(each.submission())) {
                            progress.accept(each);
                        }
                    };
            for (Judged each :
                    judgeAll(accepted, limits.getDuration("time-to-find-limit"), wantedOnly)) {
                judged.put(each.submission(), each);
                Duration took = each.judgement().most().map(Figures::cpuTime).orElse(time);
                time = took.compareTo(time) > 0 ? took : time;
            }
            time = problem.limits().timeFor(time);
        }
        List<Submission> rest = wanted.stream().filter(each -> !judged.containsKey(each)).toList();
        for (Judged each : judgeAll(rest, time, progress)) {
            judged.put(each.submission(), each);
        }
        return new Result(wanted.stream().map(judged::get).toList(), time);
    }

    private List<Judged> judgeAll(List<Submission> wanted, Duration time, Consumer<Judged> progress)
            throws IOException, InterruptedException {
        List<Future<Judged>> futures = new ArrayList<>();
        for (Submission each : wanted) {
            futures.add(
                    submissions.submit(() -> {
                        Judged judged = judge(each, time);
                        progress.accept(judged);
                        return judged;
                    }));
        }
        List<Judged> judged = new ArrayList<>();
        for (Future<Judged> future : futures) {
            judged.add(get(future));
        }
        return judged;
    }

    private static <T> T get(Future<T> future) throws IOException, InterruptedException {
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw new IOException("a submission could not be judged: " + e.getCause(), e);
        }
    }

    // ---- one submission ---------------------------------------------------------------------

    private Judged judge(Submission submission, Duration time) throws Exception {
        Optional<Language> language = languages.of(submission.sources());
        String code = language.map(Language::code).orElse("");
        long size = 0;
        for (Path file : submission.sources().files().values()) {
            size += Files.size(file);
        }
        if (size > problem.limits().code().bytes()) {
            Verdict tooLong =
                    new Verdict(
                            JudgeStatus.COMPILE_ERROR,
                            Status.FILE_ERROR,
                            "more source code than " + problem.limits().code());
            return new Judged(
                    submission, code, new Judgement(tooLong, Optional.empty(), "", List.of()));
        }
        Compilation compilation;
        try {
            compilation = withPermit(() -> compile(submission));
        } catch (InvalidRequest e) { // too many files, or a name that no file may have
            compilation = Failed.ours(String.valueOf(e.getMessage()));
        }
        Judgement judgement =
                switch (compilation) {
                    case Failed(Verdict verdict, Optional<Figures> figures, String messages) ->
                            new Judgement(verdict, figures, messages, List.of());
                    case Ready ready -> runCases(ready, time);
                };
        return new Judged(submission, code, judgement);
    }

    private Compilation compile(Submission submission) throws IOException, InterruptedException {
        ProblemLimits all = problem.limits();
        return compiler.compile(submission.sources(), problem.included(), all, all.memory());
    }

    private <T> T withPermit(Callable<T> work) throws Exception {
        jobs.acquire();
        try {
            return work.call();
        } finally {
            jobs.release();
        }
    }

    /**
     * Runs a submission on case after case until it fails one. Further cases are run beside that
     * one as long as nobody else wants to run anything; those after a failed one do not count, and
     * are cancelled.
     */
    private Judgement runCases(Ready ready, Duration time) throws Exception {
        List<CaseJudgement> judged = new ArrayList<>();
        Deque<Future<CaseJudgement>> running = new ArrayDeque<>();
        Verdict deciding = new Verdict(JudgeStatus.ACCEPTED, Status.OK, "");
        int next = 0;
        for (int i = 0; i < problem.cases().size(); i++) {
            while (next < problem.cases().size()
                    && (running.isEmpty() || (!jobs.hasQueuedThreads() && jobs.tryAcquire()))) {
                if (running.isEmpty()) {
                    jobs.acquire();
                }
                running.add(start(ready, problem.cases().get(next), time));
                next++;
            }
            CaseJudgement done = get(running.remove());
            judged.add(done);
            if (done.verdict().status() != JudgeStatus.ACCEPTED) {
                if (deciding.status() == JudgeStatus.ACCEPTED) {
                    deciding = done.verdict();
                }
                if (!all && problem.cases().get(i).last()) {
                    running.forEach(each -> each.cancel(true));
                    break;
                }
            }
        }
        return new Judgement(deciding, ready.figures(), "", judged);
    }

    /** Runs one case on a thread of its own; the permit is given back when it is done. */
    private Future<CaseJudgement> start(Ready ready, TestCase test, Duration time) {
        FutureTask<CaseJudgement> task =
                new FutureTask<>(() -> cases.judge(ready, test, time)) {
                    @Override
                    protected void done() { // even if it is cancelled before it has begun
                        jobs.release();
                    }
                };
        threads.execute(task);
        return task;
    }

    @Override
    public void close() {
        submissions.shutdownNow();
        threads.shutdownNow();
    }
}
