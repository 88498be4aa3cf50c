// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.CopyOut;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.judge.JudgeStatus;
import io.cloister.supervisor.judge.Judgement.Figures;
import io.cloister.supervisor.judge.Verdict;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Makes submissions and validators ready to run, in containers. */
final class Compiler {
    private static final Stream MESSAGES = new Stream.Collect(ByteSize.ofKiB(64), true);
    private static final ByteSize MAX_ARTIFACT = Stream.MAX_COLLECTED;
    private static final int PLAIN = 0644;
    private static final int EXECUTABLE = 0755;

    /** Scripts that a validator may come with in place of a language. */
    private static final String BUILD = "build";

    private static final String RUN = "run";
    private static final String ARCHIVE = ".program.tar";

    private static final String ALL_LANGUAGES = "default";

    private final Sender sender;
    private final LanguageTable languages;
    private final int processes;

    /** What compiling came to. */
    sealed interface Compilation {}

    /**
     * A program that can be run.
     *
     * @param command to which arguments can be appended
     * @param files of the program
     * @param needs what its language asks of runs
     */
    record Ready(List<String> command, List<CopyIn> files, Needs needs, Optional<Figures> figures)
            implements Compilation {
        Ready {
            command = List.copyOf(command);
            files = List.copyOf(files);
        }
    }

    /**
     * What a language asks of runs; judge.conf says what each part means.
     *
     * @param memory more than the program's own limit
     * @param largeStack whether the stack may be as large as the memory
     */
    record Needs(ByteSize memory, OptionalInt outOfMemory, boolean largeStack) {
        private static final Needs NONE = new Needs(ByteSize.ZERO, OptionalInt.empty(), true);

        private static Needs of(Language language) {
            return new Needs(language.memory(), language.outOfMemory(), language.isNative());
        }
    }

    /** There is no program. */
    record Failed(Verdict verdict, Optional<Figures> figures, String messages)
            implements Compilation {
        static Failed ours(String reason) {
            return new Failed(
                    new Verdict(JudgeStatus.INTERNAL_ERROR, Status.INTERNAL_ERROR, reason),
                    Optional.empty(),
                    "");
        }
    }

    /**
     * A compiler.
     *
     * @param processes that compilers may have at a time
     */
    Compiler(Sender sender, LanguageTable languages, int processes) {
        this.sender = sender;
        this.languages = languages;
        this.processes = processes;
    }

    /**
     * Compiles a program.
     *
     * @param included files for any language, by its code: those of {@code default} and of the
     *     program's take the place of its own
     * @param memory what the program's memory limit will be
     */
    Compilation compile(
            SourceFiles own,
            Map<String, Map<String, Path>> included,
            ProblemLimits limits,
            ByteSize memory)
            throws IOException, InterruptedException {
        Optional<Language> found = languages.of(own);
        if (found.isEmpty()) {
            return Failed.ours("no file of %s is in a known language".formatted(own.name()));
        }
        Language language = found.get();
        List<String> missing = languages.missing(language);
        if (!missing.isEmpty()) {
            return Failed.ours(
                    "%s cannot be used, the containers have no %s: install it below /usr"
                            .formatted(language.name(), String.join(", ", missing)));
        }
        SourceFiles more =
                new SourceFiles(own.name(), included.getOrDefault(ALL_LANGUAGES, Map.of()))
                        .with(included.getOrDefault(language.code(), Map.of()));
        SourceFiles program = own.with(more.files());
        List<String> sources = language.sources(program);
        String main = Language.main(language.sources(own), language.sources(more));
        Map<String, String> values =
                Map.of(
                        "main",
                        "./" + main, // a name is no option
                        "class",
                        language.run().contains("{class}")
                                ? JavaMain.find(program, main, sources)
                                : "",
                        "memory",
                        Long.toString(memory.bytes() >> 20));
        List<CopyIn> files = copies(program);
        List<String> run = Language.expand(language.run(), sources, values);
        if (language.compile().isEmpty()) {
            return new Ready(run, files, Needs.of(language), Optional.empty());
        }
        Program.Builder compile =
                program(Language.expand(language.compile(), sources, values), files, limits);
        language.artifact()
                .ifPresent(path -> compile.copyOut(new CopyOut(path, false, MAX_ARTIFACT, true)));
        ProgramOutcome outcome = sender.send(compile.build());
        if (outcome.status() != Status.OK) {
            return failed(outcome);
        }
        return new Ready(
                run,
                language.artifact().isEmpty() ? files : artifacts(outcome),
                Needs.of(language),
                figures(outcome));
    }

    /** As {@link #compile}, of a validator, which may have scripts to build and run it. */
    Compilation compileValidator(SourceFiles program, ProblemLimits limits)
            throws IOException, InterruptedException {
        boolean builds = program.files().containsKey(BUILD);
        if (!builds && !program.files().containsKey(RUN)) {
            return compile(program, Map.of(), limits, limits.validationMemory());
        }
        if (!builds) {
            return new Ready(List.of("./" + RUN), copies(program), Needs.NONE, Optional.empty());
        }
        String script = "./build && tar -cf %s --exclude=%s .".formatted(ARCHIVE, ARCHIVE);
        Program.Builder build =
                program(List.of("/bin/sh", "-c", script), copies(program), limits)
                        .copyOut(new CopyOut(ARCHIVE, false, MAX_ARTIFACT, true));
        ProgramOutcome outcome = sender.send(build.build());
        if (outcome.status() != Status.OK) {
            return failed(outcome);
        }
        String unpack = "tar -xf %s && exec ./run \"$@\"".formatted(ARCHIVE);
        return new Ready(
                List.of("/bin/sh", "-c", unpack, "sh"),
                artifacts(outcome),
                Needs.NONE,
                figures(outcome));
    }

    private Program.Builder program(
            List<String> command, List<CopyIn> files, ProblemLimits limits) {
        Program.Builder program =
                Program.of(command).stream(1, MESSAGES).stream(2, MESSAGES)
                        .limits(
                                Limits.builder()
                                        .wallTime(limits.compilationTime())
                                        .cpuTime(limits.compilationTime())
                                        .memory(limits.compilationMemory())
                                        .processes(processes)
                                        .fileSize(MAX_ARTIFACT)
                                        .allowLess(true)
                                        .build());
        files.forEach(program::copyIn);
        return program;
    }

    private List<CopyIn> copies(SourceFiles program) throws IOException {
        List<CopyIn> copies = new ArrayList<>();
        for (Map.Entry<String, Path> file : program.files().entrySet()) {
            boolean script = file.getKey().equals(BUILD) || file.getKey().equals(RUN);
            copies.add(
                    new CopyIn.File(
                            file.getKey(),
                            sender.content(file.getValue()),
                            script ? EXECUTABLE : PLAIN));
        }
        return copies;
    }

    private static List<CopyIn> artifacts(ProgramOutcome outcome) {
        List<CopyIn> files = new ArrayList<>();
        for (Map.Entry<String, Content> file : outcome.files().entrySet()) {
            files.add(new CopyIn.File(file.getKey(), file.getValue(), EXECUTABLE));
        }
        return files;
    }

    private static Failed failed(ProgramOutcome outcome) {
        return new Failed(
                Verdict.ofCompilation(outcome),
                figures(outcome),
                Sender.text(outcome, 2) + Sender.text(outcome, 1));
    }

    private static Optional<Figures> figures(ProgramOutcome outcome) {
        return outcome.termination().map(any -> Figures.of(outcome));
    }
}
