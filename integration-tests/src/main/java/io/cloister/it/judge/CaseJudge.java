// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import io.cloister.it.judge.Compiler.Ready;
import io.cloister.it.judge.ProblemPackage.TestCase;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.CopyOut;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import io.cloister.supervisor.judge.JudgeStatus;
import io.cloister.supervisor.judge.Judgement.CaseJudgement;
import io.cloister.supervisor.judge.Judgement.Figures;
import io.cloister.supervisor.judge.Verdict;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Runs submissions on test cases and validates what they write. Safe for use by threads. */
final class CaseJudge {
    private static final int ACCEPTED = 42;
    private static final int REJECTED = 43;

    private static final Stream MESSAGES = new Stream.Collect(ByteSize.ofKiB(16), true);
    private static final String JUDGE_MESSAGE = "feedback/judgemessage.txt";
    private static final String SHELL = "sh";

    /** The validator's arguments follow; it may write to its feedback directory. */
    private static final String VALIDATE = "mkdir -p feedback && exec \"$@\"";

    /**
     * Tells who ended first, the validator or the submission, which no comparison of times can:
     * either's end may be what ends the other. Until this shell ends, the submission cannot notice
     * that the validator has ended, for the shell has the same pipes open; and by a pipe of its own
     * (3) whose other end only the submission has, it sees whether that one is still there. If so,
     * it says so (4). It also has the validator's output open for reading (5), so that a validator
     * may write to a submission that has ended.
     */
    private static final String INTERACT =
            """
            exec 5</proc/self/fd/1
            mkdir -p feedback || exit 1
            "$@" 3>&- 4>&- 5<&-
            code=$?
            trap '' PIPE
            { printf . >&3 && printf . >&4; } 2>/dev/null
            exit $code
            """;

    private static final String SIGPIPE = "SIGPIPE";
    private static final int LIFELINE = 3;
    private static final int FIRST = 4;

    private final Sender sender;
    private final ProblemPackage problem;
    private final List<Ready> validators;
    private final Settings settings;

    /**
     * What judge.conf says of runs.
     *
     * @param wallFactor wall time for each second of CPU time
     * @param wallExtra and this much more
     * @param processes and threads at a time
     */
    record Settings(double wallFactor, Duration wallExtra, int processes) {
        Duration wallTime(Duration cpuTime) {
            return Duration.ofNanos((long) (cpuTime.toNanos() * wallFactor)).plus(wallExtra);
        }
    }

    CaseJudge(Sender sender, ProblemPackage problem, List<Ready> validators, Settings settings) {
        this.sender = sender;
        this.problem = problem;
        this.validators = List.copyOf(validators);
        this.settings = settings;
    }

    /**
     * Judges a submission on one case.
     *
     * @param time its CPU time limit
     */
    CaseJudgement judge(Ready submission, TestCase test, Duration time)
            throws IOException, InterruptedException {
        return problem.interactive()
                ? interact(submission, test, time)
                : runAndValidate(submission, test, time);
    }

    private static CaseJudgement judgement(TestCase test, Verdict verdict, ProgramOutcome ran) {
        return new CaseJudgement(
                test.name(), verdict, ran.termination().map(any -> Figures.of(ran)));
    }

    // ---- one after the other ----------------------------------------------------------------

    private CaseJudgement runAndValidate(Ready submission, TestCase test, Duration time)
            throws IOException, InterruptedException {
        Program.Builder program = submission(submission, test, time);
        program.stream(0, new Stream.Input(sender.shared(test.input()))).stream(
                1, Stream.collect(problem.limits().output()));
        ProgramOutcome ran = sender.send(program.build());
        Verdict verdict = verdict(submission, ran);
        Output output = ran.outputs().get(1);
        if (verdict.status() == JudgeStatus.ACCEPTED && output != null) {
            verdict = validate(test, output.content());
        }
        return judgement(test, verdict, ran);
    }

    private Verdict validate(TestCase test, Bytes output) throws IOException, InterruptedException {
        if (validators.isEmpty()) {
            Optional<String> difference;
            try (FileChannel answer = FileChannel.open(test.answer())) {
                ByteBuffer expected = answer.map(FileChannel.MapMode.READ_ONLY, 0, answer.size());
                difference = test.defaultValidator().difference(expected, output.asBuffer());
            }
            return difference.map(CaseJudge::rejected).orElseGet(CaseJudge::accepted);
        }
        Content input = content(output);
        Verdict verdict = accepted();
        for (Ready validator : validators) {
            Program.Builder program =
                    validator(validator, VALIDATE, test, settings.wallTime(validationTime()));
            program.stream(0, new Stream.Input(input)).stream(1, MESSAGES);
            verdict = verdict(sender.send(program.build()));
            if (verdict.status() != JudgeStatus.ACCEPTED) {
                break;
            }
        }
        return verdict;
    }

    private Content content(Bytes output) throws IOException {
        if (output.length() <= Content.MAX_INLINE.bytes()) {
            return new Content.Inline(output);
        }
        Path file = Files.createTempFile("cloister-judge", ".out");
        try {
            Files.write(file, output.toArray());
            return sender.shared(file);
        } finally {
            Files.delete(file);
        }
    }

    // ---- at the same time -------------------------------------------------------------------

    private CaseJudgement interact(Ready submission, TestCase test, Duration time)
            throws IOException, InterruptedException {
        Duration longest = settings.wallTime(time).plus(settings.wallTime(validationTime()));
        Program program = submission(submission, test, time).build();
        Program validator =
                validator(validators.getFirst(), INTERACT, test, longest).stream(
                                FIRST, new Stream.Collect(ByteSize.ofBytes(1), true))
                        .build();
        List<ProgramOutcome> ran =
                sender.send(
                        List.of(validator, program),
                        List.of(
                                PipeLink.direct(0, 1, 1, 0),
                                PipeLink.direct(1, 1, 0, 0),
                                PipeLink.direct(0, LIFELINE, 1, LIFELINE)));
        Output first = ran.getFirst().outputs().get(FIRST);
        boolean validatorFirst = first != null && first.content().length() > 0;
        return judgement(
                test,
                interaction(ran.getFirst(), verdict(submission, ran.getLast()), validatorFirst),
                ran.getLast());
    }

    /**
     * What an interaction came to. A validator that ends first and rejects is right whatever the
     * submission does then, for what it is left with is no fault of its own. Otherwise the
     * submission must have ended well before the validator is asked.
     *
     * @param own the submission's, as if all that it wrote were right
     * @param validatorFirst whether the validator ended before the submission
     */
    static Verdict interaction(ProgramOutcome validator, Verdict own, boolean validatorFirst) {
        if (own.status() == JudgeStatus.INTERNAL_ERROR) {
            return own;
        }
        boolean idle = validator.evidence().idle(); // it waited for what never came
        Verdict validated = idle ? rejected("ended before the validator did") : verdict(validator);
        if (validated.status() == JudgeStatus.INTERNAL_ERROR
                || (validated.status() == JudgeStatus.WRONG_ANSWER && validatorFirst && !idle)) {
            return validated;
        }
        boolean wroteToNobody =
                own.detail() == Status.SIGNALLED && own.explanation().equals(SIGPIPE);
        return own.status() == JudgeStatus.ACCEPTED || wroteToNobody ? validated : own;
    }

    // ---- programs ---------------------------------------------------------------------------

    private Program.Builder submission(Ready submission, TestCase test, Duration time)
            throws IOException {
        List<String> command = new ArrayList<>(submission.command());
        command.addAll(test.arguments());
        ByteSize memory =
                ByteSize.ofBytes(
                        problem.limits().memory().bytes() + submission.needs().memory().bytes());
        Limits.Builder limits =
                Limits.builder()
                        .cpuTime(time)
                        .wallTime(settings.wallTime(time))
                        .memory(memory)
                        .processes(settings.processes())
                        .fileSize(problem.limits().output())
                        .allowLess(true);
        if (submission.needs().largeStack()) {
            limits.stack(problem.limits().memory());
        }
        Program.Builder program = Program.of(command).stream(2, MESSAGES).limits(limits.build());
        submission.files().forEach(program::copyIn);
        for (Map.Entry<String, Path> file : test.files().entrySet()) {
            program.copyIn(CopyIn.File.of(file.getKey(), sender.shared(file.getValue())));
        }
        return program;
    }

    private Duration validationTime() {
        return problem.limits().validationTime();
    }

    private Program.Builder validator(
            Ready validator, String script, TestCase test, Duration wallTime) throws IOException {
        String name = test.name().substring(test.name().lastIndexOf('/') + 1);
        List<String> command = new ArrayList<>(List.of("/bin/sh", "-c", script, SHELL));
        command.addAll(validator.command());
        command.addAll(List.of("data/" + name + ".in", "data/" + name + ".ans", "feedback/"));
        command.addAll(test.validatorFlags());
        ByteSize memory =
                ByteSize.ofBytes(
                        problem.limits().validationMemory().bytes()
                                + validator.needs().memory().bytes());
        Program.Builder program =
                Program.of(command).stream(2, MESSAGES)
                        .copyIn(CopyIn.File.of("data/" + name + ".in", sender.shared(test.input())))
                        .copyIn(
                                CopyIn.File.of(
                                        "data/" + name + ".ans", sender.shared(test.answer())))
                        .copyOut(new CopyOut(JUDGE_MESSAGE, true, ByteSize.ofMiB(1), false))
                        .limits(
                                Limits.builder()
                                        .cpuTime(validationTime())
                                        .wallTime(wallTime)
                                        .memory(memory)
                                        .processes(settings.processes())
                                        .fileSize(problem.limits().validationOutput())
                                        .allowLess(true)
                                        .build());
        validator.files().forEach(program::copyIn);
        return program;
    }

    // ---- verdicts ---------------------------------------------------------------------------

    /** Of a submission's run, as if all that it wrote were right. */
    private static Verdict verdict(Ready submission, ProgramOutcome ran) {
        OptionalInt outOfMemory = submission.needs().outOfMemory();
        return outOfMemory.isPresent() && exitCode(ran).equals(outOfMemory)
                ? new Verdict(JudgeStatus.MEMORY_LIMIT, ran.status(), "the runtime says so")
                : Verdict.of(ran, true);
    }

    private static OptionalInt exitCode(ProgramOutcome ran) {
        return ran.status() == Status.NONZERO_EXIT
                        && ran.termination().orElse(null) instanceof Termination.Exited(int code)
                ? OptionalInt.of(code)
                : OptionalInt.empty();
    }

    private static Verdict accepted() {
        return new Verdict(JudgeStatus.ACCEPTED, Status.OK, "");
    }

    private static Verdict rejected(String why) {
        return new Verdict(JudgeStatus.WRONG_ANSWER, Status.OK, why);
    }

    /** What a validator says; one that says neither yes nor no is our trouble. */
    static Verdict verdict(ProgramOutcome validator) {
        OptionalInt code = exitCode(validator);
        if (code.equals(OptionalInt.of(ACCEPTED))) {
            return accepted();
        }
        String message =
                validator.files().get(JUDGE_MESSAGE) instanceof Content.Inline(Bytes bytes)
                        ? bytes.utf8().orElse("")
                        : "";
        if (code.equals(OptionalInt.of(REJECTED))) {
            return rejected(message);
        }
        return new Verdict(
                JudgeStatus.INTERNAL_ERROR,
                validator.status(),
                "the validator neither accepted (exit code 42) nor rejected (43): "
                        + Verdict.of(validator, true).explanation()
                        + (validator.status() == Status.OK ? "exit code 0" : "")
                        + "; "
                        + (message + Sender.text(validator, 2)).strip());
    }
}
