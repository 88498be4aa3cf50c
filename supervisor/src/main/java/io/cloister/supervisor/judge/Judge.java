// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.CopyOut;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import io.cloister.supervisor.judge.Judgement.CaseJudgement;
import io.cloister.supervisor.judge.Judgement.Figures;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Judges submissions to one problem: compiles the source in one run, keeps what came of it in the
 * worker's file store, and runs that on case after case until one fails, each in a clean container.
 * Safe for use by several threads.
 */
public final class Judge {
    private static final Limits COMPILATION =
            Limits.builder()
                    .wallTime(Duration.ofSeconds(60))
                    .cpuTime(Duration.ofSeconds(30))
                    .memory(ByteSize.ofGiB(1))
                    .processes(256)
                    .fileSize(ByteSize.ofMiB(64))
                    .allowLess(true)
                    .build();
    private static final Stream MESSAGES = new Stream.Collect(ByteSize.ofKiB(16), true);
    private static final ByteSize ARTIFACT = ByteSize.ofMiB(32);
    private static final int EXECUTABLE = 0755;

    private final Problem problem;
    private final Runner runner;

    /** Whoever carries out runs. */
    @FunctionalInterface
    public interface Runner {
        RunResult run(Run run) throws InterruptedException;
    }

    public Judge(Problem problem, Runner runner) {
        this.problem = problem;
        this.runner = runner;
    }

    /**
     * Judges one submission.
     *
     * @return a judgement in any case; the worker's own failures are internal errors in it
     */
    public Judgement judge(Language language, byte[] source) throws InterruptedException {
        ProgramOutcome compilation = compile(language, source);
        Optional<Figures> figures = compilation.termination().map(any -> Figures.of(compilation));
        String messages = text(compilation, 2) + text(compilation, 1);
        if (compilation.status() != Status.OK) {
            return new Judgement(Verdict.ofCompilation(compilation), figures, messages, List.of());
        }
        List<CaseJudgement> cases = new ArrayList<>();
        Verdict verdict = new Verdict(JudgeStatus.ACCEPTED, Status.OK, "");
        for (TestCase test : problem.cases()) {
            CaseJudgement judged = runCase(language, compilation.files(), test);
            cases.add(judged);
            verdict = judged.verdict();
            if (verdict.status() != JudgeStatus.ACCEPTED) {
                break;
            }
        }
        return new Judgement(verdict, figures, messages, cases);
    }

    private ProgramOutcome compile(Language language, byte[] source) throws InterruptedException {
        Program.Builder program =
                Program.of(language.compile())
                        .copyIn(CopyIn.File.of(language.source(), Content.of(source)))
                        .stream(1, MESSAGES)
                        .stream(2, MESSAGES)
                        .limits(COMPILATION);
        for (String artifact : language.artifacts()) {
            program.copyOut(new CopyOut(artifact, false, ARTIFACT, true));
        }
        return run("compile", program);
    }

    private CaseJudgement runCase(Language language, Map<String, Content> artifacts, TestCase test)
            throws InterruptedException {
        Problem.Limits limits = problem.limits();
        Program.Builder program =
                Program.of(language.run()).stream(0, new Stream.Input(Content.of(test.bytes())))
                        .stream(1, Stream.collect(limits.output()))
                        .stream(2, Stream.collect(limits.output()))
                        .limits(
                                Limits.builder()
                                        .wallTime(limits.wallTime())
                                        .cpuTime(limits.cpuTime())
                                        .memory(limits.memory())
                                        .processes(limits.processes())
                                        .fileSize(limits.output())
                                        .allowLess(true)
                                        .build());
        artifacts.forEach(
                (path, content) -> program.copyIn(new CopyIn.File(path, content, EXECUTABLE)));
        ProgramOutcome outcome = run(test.name(), program);
        boolean right =
                outcome.outputs().containsKey(1)
                        && DefaultValidator.words()
                                .accepts(
                                        Bytes.ofUtf8(test.answer()).asBuffer(),
                                        outcome.outputs().get(1).content().asBuffer());
        return new CaseJudgement(
                test.name(),
                Verdict.of(outcome, right),
                outcome.termination().map(any -> Figures.of(outcome)));
    }

    private ProgramOutcome run(String id, Program.Builder program) throws InterruptedException {
        List<ProgramOutcome> outcomes = runner.run(Run.of(id, program.build())).results();
        return outcomes.isEmpty()
                ? ProgramOutcome.notRun(
                        Status.INTERNAL_ERROR,
                        Failure.of(Failure.Kind.INTERNAL, "a run without a result"))
                : outcomes.getFirst();
    }

    private static String text(ProgramOutcome outcome, int stream) {
        Output output = outcome.outputs().get(stream);
        return output == null ? "" : new String(output.content().toArray(), StandardCharsets.UTF_8);
    }
}
