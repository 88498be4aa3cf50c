// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Rlimits;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.judge.Judgement.CaseJudgement;
import io.cloister.supervisor.judge.Judgement.Figures;
import io.cloister.supervisor.run.ContainerException;
import io.cloister.supervisor.run.ContainerSession;
import io.cloister.supervisor.run.OutputFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Judges submissions to one problem, each in a container of its own: the source is written into it,
 * compiled there and run on case after case until one fails.
 *
 * <p>Input is a sealed file that the program cannot change, output goes to files in memory that the
 * kernel bounds. Safe for use by several threads.
 */
public final class Judge {
    private static final Duration COMPILE_WALL_TIME = Duration.ofSeconds(60);
    private static final Duration COMPILE_CPU_TIME = Duration.ofSeconds(30);
    private static final ByteSize COMPILER_OUTPUT = ByteSize.ofMiB(64);
    private static final ByteSize COMPILER_OUTPUT_KEPT = ByteSize.ofKiB(16);
    private static final int COMPILER_PROCESSES = 256;
    private static final int SOURCE_MODE = 0644;

    private final Problem problem;

    public Judge(Problem problem) {
        this.problem = problem;
    }

    private record Compilation(
            Optional<Verdict> failed, Optional<Figures> figures, String output) {}

    /** A run and what it wrote. */
    private static final class Run {
        private final ExecveReply reply;
        private final boolean outputExceeded;
        private final byte[] output;
        private final byte[] errors;

        Run(ExecveReply reply, boolean outputExceeded, byte[] output, byte[] errors) {
            this.reply = reply;
            this.outputExceeded = outputExceeded;
            this.output = output;
            this.errors = errors;
        }
    }

    /**
     * Judges one submission in a fresh or reset container.
     *
     * @return a judgement in any case; the container's own failures are internal errors in it
     */
    public Judgement judge(Language language, byte[] source, ContainerSession container)
            throws InterruptedException {
        try {
            container.write(language.source(), SOURCE_MODE, source);
            Compilation compilation = compile(language, container);
            if (compilation.failed().isPresent()) {
                return new Judgement(
                        compilation.failed().get(),
                        compilation.figures(),
                        compilation.output(),
                        List.of());
            }
            return runCases(language, container, compilation);
        } catch (ContainerException e) {
            return internalError(e.failure());
        } catch (IOException e) {
            return internalError(Failure.of(Failure.Kind.INTERNAL, String.valueOf(e.getMessage())));
        }
    }

    /** The judgement when no container did the work. */
    public static Judgement internalError(Failure failure) {
        Verdict verdict = Verdict.of(failure, false, false);
        return new Judgement(verdict, Optional.empty(), "", List.of());
    }

    private Compilation compile(Language language, ContainerSession container)
            throws ContainerException, IOException, InterruptedException {
        Rlimits rlimits =
                Rlimits.builder()
                        .cpuTime(COMPILE_CPU_TIME)
                        .processes(COMPILER_PROCESSES)
                        .fileSize(OutputFile.fileSize(COMPILER_OUTPUT))
                        .build();
        Run run =
                execute(
                        container,
                        language.compile(),
                        rlimits,
                        COMPILE_WALL_TIME,
                        new byte[0],
                        COMPILER_OUTPUT,
                        COMPILER_OUTPUT_KEPT);
        String output = text(run.errors) + text(run.output);
        return switch (run.reply) {
            case Failure failure ->
                    new Compilation(
                            Optional.of(Verdict.of(failure, false, false)),
                            Optional.empty(),
                            output);
            case ExecveResult result -> {
                boolean success = result.termination().equals(new Termination.Exited(0));
                Verdict verdict = Verdict.of(result, run.outputExceeded, true);
                yield new Compilation(
                        success
                                ? Optional.empty()
                                : Optional.of(
                                        new Verdict(
                                                JudgeStatus.COMPILE_ERROR,
                                                verdict.detail(),
                                                verdict.explanation())),
                        Optional.of(Figures.of(result)),
                        output);
            }
        };
    }

    private Judgement runCases(
            Language language, ContainerSession container, Compilation compilation)
            throws ContainerException, IOException, InterruptedException {
        List<CaseJudgement> cases = new ArrayList<>();
        Verdict verdict = new Verdict(JudgeStatus.ACCEPTED, Status.OK, "");
        for (TestCase test : problem.cases()) {
            CaseJudgement judged = runCase(language, container, test);
            cases.add(judged);
            verdict = judged.verdict();
            if (verdict.status() != JudgeStatus.ACCEPTED) {
                break;
            }
        }
        return new Judgement(verdict, compilation.figures(), compilation.output(), cases);
    }

    private CaseJudgement runCase(Language language, ContainerSession container, TestCase test)
            throws ContainerException, IOException, InterruptedException {
        Problem.Limits limits = problem.limits();
        Rlimits.Builder rlimits =
                Rlimits.builder()
                        .cpuTime(limits.cpuTime())
                        .processes(limits.processes())
                        .fileSize(OutputFile.fileSize(limits.output()));
        if (language.limitAddressSpace()) {
            rlimits.addressSpace(limits.memory());
        }
        Run run =
                execute(
                        container,
                        language.run(),
                        rlimits.build(),
                        limits.wallTime(),
                        test.bytes(),
                        limits.output(),
                        limits.output());
        boolean right = Tokens.equal(run.output, test.answer().getBytes(StandardCharsets.UTF_8));
        Optional<Figures> figures =
                run.reply instanceof ExecveResult result
                        ? Optional.of(Figures.of(result))
                        : Optional.empty();
        return new CaseJudgement(
                test.name(), Verdict.of(run.reply, run.outputExceeded, right), figures);
    }

    private static Run execute(
            ContainerSession container,
            List<String> arguments,
            Rlimits rlimits,
            Duration wallTime,
            byte[] input,
            ByteSize allowed,
            ByteSize kept)
            throws ContainerException, IOException, InterruptedException {
        try (OutputFile output = OutputFile.create("standard output", allowed);
                OutputFile errors = OutputFile.create("standard error", allowed)) {
            Execve request =
                    Execve.of(arguments)
                            .descriptors(0, 1, 2)
                            .rlimits(rlimits)
                            .wallTime(wallTime)
                            .build();
            ExecveReply reply = container.execute(request, streams(input, output, errors));
            return new Run(
                    reply,
                    output.isExceeded() || errors.isExceeded(),
                    output.read(kept),
                    errors.read(COMPILER_OUTPUT_KEPT));
        }
    }

    private static ExecveDescriptors streams(byte[] input, OutputFile output, OutputFile errors)
            throws IOException {
        Map<Integer, Fd> files = new TreeMap<>();
        try {
            files.put(0, MemFd.sealed("standard input", input));
            files.put(1, output.forProgram());
            files.put(2, errors.forProgram());
            return ExecveDescriptors.of(files);
        } catch (IOException | RuntimeException e) {
            files.values().forEach(Fd::close);
            throw e;
        }
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
