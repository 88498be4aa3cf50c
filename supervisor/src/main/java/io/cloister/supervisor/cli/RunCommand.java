// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.Linux;
import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyOut;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.json.RunFormat;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs one program in a container, or requests from standard input. */
@Command(
        name = "run",
        description = {
            "Runs one program in a container, or with --batch as many as standard input asks for.",
            "It sees this machine's /usr read-only, an empty /w to work in, an empty /tmp, and no"
                    + " network. Its standard streams are those of this command. When it has ended,"
                    + " or when this command is interrupted, nothing of it is left."
        },
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        exitCodeOnInvalidInput = RunExit.CLOISTER_FAILED,
        exitCodeOnExecutionException = RunExit.CLOISTER_FAILED,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "N:the program's own",
            "124:the wall or CPU time limit ended it",
            "125:Cloister failed, this command line is wrong, or a file to copy out is not there",
            "126:the program cannot be executed",
            "127:there is no such program in the container",
            "128+N:signal N ended it; 137 the memory limit, 153 the output or file size limit, 159 a"
                    + " system call that its profile forbids",
            "with --batch:0 if every line was a request, 1 if one was not"
        },
        footer = {
            "",
            "Examples:",
            "  ./cloister run -- python3 -c 'print(6 * 7)'",
            "  ./cloister run --copy-in main.c --copy-out main --cpu-time 2s -- gcc -o main main.c",
            "  ./cloister run --json --memory 64MiB --stdin 1.in --copy-in main:main:0755 -- ./main",
            "  ./cloister run --batch --containers 4 < requests.jsonl   (docs/run-format.md)"
        })
final class RunCommand implements Callable<Integer> {
    private static final String ID = "run";

    /** Options that say nothing of a program, and so go with --batch. */
    private static final Set<String> OF_BATCHES =
            Set.of("--batch", "--containers", "--host-files", "--bind", "--env", "--verbose");

    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--stdin",
            paramLabel = "FILE",
            description = "What it reads; by default the standard input of this command.")
    private Optional<Path> stdin = Optional.empty();

    @Option(
            names = "--copy-out",
            paramLabel = "NAME[:FILE]",
            description =
                    "Copy a file out of the container when it has ended, by default to a file of its"
                            + " name here, or into the result with --json. NAME? may be missing. May"
                            + " be repeated.")
    private List<String> copyOut = new ArrayList<>();

    @Option(
            names = "--tty",
            description = "Give it a terminal that is connected with this command's.")
    private boolean tty;

    @Option(
            names = "--json",
            description =
                    "Print its result as one line of JSON (docs/run-format.md), with what it wrote"
                            + " to standard output and standard error.")
    private boolean json;

    @Option(
            names = "--report",
            paramLabel = "FILE",
            description = "Write the result as JSON to a file; its streams stay this command's.")
    private Optional<Path> report = Optional.empty();

    @Option(
            names = {"-s", "--summary"},
            description = "Say on standard error what it used and what was enforced.")
    private boolean summary;

    @Option(
            names = "--batch",
            description =
                    "Read requests from standard input, one JSON object on each line, and write a"
                            + " line for each, in order of completion (docs/run-format.md).")
    private boolean batch;

    @Option(
            names = "--containers",
            paramLabel = "N",
            description = "With --batch, run so many programs at once; as many as there are cores.")
    private Optional<Integer> containers = Optional.empty();

    @Option(
            names = "--host-files",
            paramLabel = "DIRECTORY",
            description =
                    "With --batch, requests may name files of this directory of this machine; none"
                            + " without it. May be repeated.")
    private List<String> hostFiles = new ArrayList<>();

    @Mixin private ProgramOptions options = new ProgramOptions();

    @Parameters(
            arity = "0..*",
            paramLabel = "PROGRAM",
            description =
                    "The program and its arguments. Without a slash it is looked up in the"
                            + " container's PATH; the work directory is /w.")
    private List<String> arguments = new ArrayList<>();

    @Override
    public Integer call() throws IOException, InterruptedException {
        try {
            return batch ? runBatch() : runProgram();
        } catch (InvalidRequest e) {
            throw wrong(String.valueOf(e.getMessage()));
        }
    }

    // ---- one program --------------------------------------------------------------------------

    private int runProgram() throws IOException, InterruptedException {
        if (arguments.isEmpty()) {
            throw wrong("there is no program: name one, or give --batch");
        }
        if (containers.isPresent() || !hostFiles.isEmpty()) {
            throw wrong("--containers and --host-files go with --batch only");
        }
        if (tty && (json || stdin.isPresent())) {
            throw wrong("--tty excludes --json and --stdin: its streams are the terminal");
        }
        Limits limits = options.limits(Limits.standard().wallTime());
        if (tty && limits.output().isPresent()) {
            throw wrong("--tty excludes --output: nothing is collected");
        }
        Program.Builder program = Program.of(arguments).limits(limits);
        options.apply(program);
        Map<String, Optional<Path>> out = copyOut(program);
        Map<String, Object> overrides = new HashMap<>(options.settings());
        overrides.put("cloister.containers.warm", 1);
        overrides.put("cloister.containers.max", 1);
        RunResult result;
        try (EmbeddedWorker worker = EmbeddedWorker.local(overrides, options::shape)) {
            result = tty ? TerminalRun.run(worker, program) : run(worker, program, limits);
            if (worker.isInterrupted()) {
                return Main.INTERRUPTED;
            }
        }
        return finish(result, out);
    }

    private RunResult run(EmbeddedWorker worker, Program.Builder program, Limits limits)
            throws IOException, InterruptedException {
        Map<PipeLink.End, Fd> given = new HashMap<>();
        give(program, given, 0, stdin.isPresent() ? open(stdin.get()) : StandardStreams.copy(0));
        for (int number = 1; number < StandardStreams.COUNT; number++) {
            if (json || limits.output().isPresent()) {
                ByteSize max = limits.output().orElse(RunFormat.DEFAULT_MAX);
                program.stream(number, Stream.collect(max));
            } else {
                give(program, given, number, StandardStreams.copy(number));
            }
        }
        return await(worker.run(Run.of(ID, program.build()), given));
    }

    private static void give(
            Program.Builder program, Map<PipeLink.End, Fd> given, int number, Optional<Fd> fd) {
        fd.ifPresent(present -> {
            program.stream(number, new Stream.Given());
            given.put(new PipeLink.End(0, number), present);
        });
    }

    private static Optional<Fd> open(Path file) throws IOException {
        return Optional.of(Fd.open(file.toString(), Linux.O_RDONLY, 0));
    }

    static RunResult await(CompletionStage<RunResult> result)
            throws IOException, InterruptedException {
        try {
            return result.toCompletableFuture().get();
        } catch (ExecutionException e) {
            throw new IOException("the run has no result: " + e.getCause(), e);
        }
    }

    private int finish(RunResult result, Map<String, Optional<Path>> out) throws IOException {
        ProgramOutcome outcome = result.results().getFirst();
        if (json) {
            try (OutputStream stdout = new FileOutputStream(FileDescriptor.out)) {
                RunFormat.write(result, stdout);
            }
        } else {
            print(outcome, 1, FileDescriptor.out);
            print(outcome, 2, FileDescriptor.err);
        }
        for (Map.Entry<String, Content> file : outcome.files().entrySet()) {
            Optional<Path> target = out.getOrDefault(file.getKey(), Optional.empty());
            if (target.isPresent() && file.getValue() instanceof Content.Inline inline) {
                Files.write(target.get(), inline.bytes().toArray());
            }
        }
        if (report.isPresent()) {
            try (OutputStream file = Files.newOutputStream(report.get())) {
                RunFormat.write(result, file);
            }
        }
        tell(outcome);
        return RunExit.codeOf(outcome);
    }

    private static void print(ProgramOutcome outcome, int number, FileDescriptor to)
            throws IOException {
        Output output = outcome.outputs().get(number);
        if (output != null) {
            new FileOutputStream(to).write(output.content().toArray());
        }
    }

    private void tell(ProgramOutcome outcome) {
        PrintWriter errors = spec.commandLine().getErr();
        Optional<String> trouble =
                RunExit.codeOf(outcome) == RunExit.NOT_FOUND
                                && outcome.status() == Status.FILE_ERROR
                        ? Optional.of(
                                "there is no program '%s' in the container"
                                        .formatted(arguments.getFirst()))
                        : RunReport.trouble(outcome);
        trouble.ifPresent(text -> errors.println("cloister: " + text));
        boolean ran = outcome.termination().isPresent();
        if (ran && (summary || (outcome.limit().isPresent() && !json))) {
            errors.print(RunReport.summary(outcome));
        }
        errors.flush();
    }

    /** Adds them to the program; where each is to go. */
    private Map<String, Optional<Path>> copyOut(Program.Builder program) {
        Map<String, Optional<Path>> targets = new LinkedHashMap<>();
        for (String copy : copyOut) {
            int colon = copy.indexOf(':');
            String name = colon < 0 ? copy : copy.substring(0, colon);
            boolean optional = name.endsWith("?");
            String path = optional ? name.substring(0, name.length() - 1) : name;
            program.copyOut(optional ? CopyOut.optional(path) : CopyOut.required(path));
            Optional<Path> here =
                    colon >= 0
                            ? Optional.of(Path.of(copy.substring(colon + 1)))
                            : Optional.ofNullable(Path.of(path).getFileName())
                                    .filter(file -> !json);
            targets.put(path, here);
        }
        return targets;
    }

    // ---- a batch ------------------------------------------------------------------------------

    private int runBatch() throws IOException, InterruptedException {
        refuseOptionsOfPrograms();
        int count = containers.orElseGet(() -> Runtime.getRuntime().availableProcessors());
        if (count < 1) {
            throw wrong("--containers must be at least 1");
        }
        Map<String, Object> overrides = new HashMap<>();
        overrides.put("cloister.containers.warm", count);
        overrides.put("cloister.containers.max", count);
        overrides.put(
                "cloister.run.host-files",
                hostFiles.stream().map(ProgramOptions::absolute).toList());
        try (EmbeddedWorker worker = EmbeddedWorker.local(overrides, options::shape);
                Counter counter = new Counter(spec.commandLine().getErr())) {
            OutputStream out = new FileOutputStream(FileDescriptor.out);
            Batch.Summary done = new Batch(System.in, out, count, runner(worker), counter).run();
            return done.badLines() == 0 ? 0 : RunExit.BAD_LINES;
        }
    }

    private static Batch.Runner runner(EmbeddedWorker worker) {
        return new Batch.Runner() {
            @Override
            public CompletionStage<RunResult> run(Run run) {
                return worker.run(run);
            }

            @Override
            public void cancel(String id) {
                worker.cancel(id);
            }
        };
    }

    private void refuseOptionsOfPrograms() {
        if (!arguments.isEmpty()) {
            throw wrong(
                    "--batch takes its programs from standard input, not '%s'"
                            .formatted(arguments.getFirst()));
        }
        List<String> foreign =
                spec.commandLine().getParseResult().matchedOptions().stream()
                        .map(OptionSpec::longestName)
                        .filter(name -> !OF_BATCHES.contains(name))
                        .collect(Collectors.toList());
        if (!foreign.isEmpty()) {
            throw wrong(
                    "with --batch each request says this for itself: leave out "
                            + String.join(", ", foreign));
        }
    }

    /** Shows people how far a batch is. */
    private static final class Counter implements Batch.Watcher, AutoCloseable {
        private static final String CLEAR = "\r\u001b[K";
        private static final long EVERY_NANOS = 100_000_000;

        private final PrintWriter errors;
        private final boolean watched = Terminal.watchesErrors();
        private long shownAt = System.nanoTime();

        Counter(PrintWriter errors) {
            this.errors = errors;
        }

        @Override
        public void done(long results, long badLines) {
            long now = System.nanoTime();
            if (watched && now - shownAt > EVERY_NANOS) {
                shownAt = now;
                errors.printf("%s%d results, %d bad lines", CLEAR, results, badLines);
                errors.flush();
            }
        }

        @Override
        public void close() {
            if (watched) {
                errors.print(CLEAR);
                errors.flush();
            }
        }
    }

    private ParameterException wrong(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
