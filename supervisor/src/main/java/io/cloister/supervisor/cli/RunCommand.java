// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Seccomp;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Rlimits;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.run.ContainerException;
import io.cloister.supervisor.run.ContainerSession;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs one program in a fresh container, with this process's standard streams. */
@Command(
        name = "run",
        description = {
            "Runs one program in a fresh container.",
            "It sees this machine's /usr read-only, an empty /w to work in, an empty /tmp, and no"
                    + " network. Its standard streams are those of this command. When it has ended,"
                    + " or when this command is interrupted, nothing of it is left."
        },
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        sortOptions = false,
        exitCodeOnInvalidInput = RunExit.CLOISTER_FAILED,
        exitCodeOnExecutionException = RunExit.CLOISTER_FAILED,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "N:the program's own",
            "124:the wall or CPU time limit ended it",
            "125:Cloister failed, or this command line is wrong",
            "126:the program cannot be executed",
            "127:there is no such program in the container",
            "128+N:signal N ended it: 153 is SIGXFSZ, the file size limit"
        },
        footer = {
            "",
            "Examples:",
            "  ./cloister run -- python3 -c 'print(6 * 7)'",
            "  ./cloister run --copy main.c --wall-time 2s -- gcc -o main main.c"
        })
final class RunCommand implements Callable<Integer> {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--wall-time",
            paramLabel = "TIME",
            defaultValue = "10s",
            converter = Durations.class,
            description = "Kill it after this time, for example 500ms, 1.5s, 2m; ${DEFAULT-VALUE}.")
    private Duration wallTime = Duration.ZERO;

    @Option(
            names = "--cpu-time",
            paramLabel = "TIME",
            converter = Durations.class,
            description = "CPU time of each of its processes, rounded up to whole seconds.")
    private Optional<Duration> cpuTime = Optional.empty();

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            converter = Sizes.class,
            description = "Address space of each of its processes, for example 256MiB.")
    private Optional<ByteSize> memory = Optional.empty();

    @Option(
            names = "--file-size",
            paramLabel = "SIZE",
            converter = Sizes.class,
            description = "Longest file that it may write.")
    private Optional<ByteSize> fileSize = Optional.empty();

    @Option(
            names = "--processes",
            paramLabel = "N",
            description = "Most processes and threads at a time.")
    private Optional<Integer> processes = Optional.empty();

    @Option(
            names = "--env",
            paramLabel = "NAME=VALUE",
            description = "Set a variable of its environment; may be repeated.")
    private Map<String, String> environment = new LinkedHashMap<>();

    @Option(
            names = "--copy",
            paramLabel = "FILE[:NAME]",
            description = "Copy a file into the container's work directory; may be repeated.")
    private List<String> copies = new ArrayList<>();

    @Option(
            names = "--bind",
            paramLabel = "PATH[:TARGET]",
            description = "Make a file or directory visible, read-only; may be repeated.")
    private List<String> binds = new ArrayList<>();

    @Option(
            names = "--seccomp",
            paramLabel = "PROFILE",
            defaultValue = "default",
            description = "The system calls it may make: default, or none for no filter.")
    private String seccomp = "default";

    @Option(
            names = "--json",
            paramLabel = "FILE",
            description =
                    "Write the result to this file, or to standard error if it is '-': standard"
                            + " output is the program's.")
    private Optional<String> json = Optional.empty();

    @Parameters(
            arity = "1..*",
            paramLabel = "PROGRAM",
            description =
                    "The program and its arguments. Without a slash it is looked up in the"
                            + " container's PATH; the work directory is /w.")
    private List<String> arguments = new ArrayList<>();

    @Override
    public Integer call() throws IOException, InterruptedException {
        Execve request = request();
        Map<String, ?> overrides =
                Map.of("cloister.containers.warm", 0, "cloister.containers.max", 1);
        try (EmbeddedWorker worker = EmbeddedWorker.local(overrides)) {
            ContainerConfig config = config(worker.settings().standard());
            ExecveReply reply = run(worker, config, request);
            if (!worker.isInterrupted()) {
                report(reply);
            }
            return RunExit.codeOf(reply);
        }
    }

    private ExecveReply run(EmbeddedWorker worker, ContainerConfig config, Execve request)
            throws IOException, InterruptedException {
        try (ContainerSession container = worker.create(config)) {
            for (String copy : copies) {
                copyIn(container, copy);
            }
            ExecveDescriptors streams = standardStreams();
            List<Integer> numbers = List.copyOf(streams.files().keySet());
            return container.execute(request.toBuilder().descriptors(numbers).build(), streams);
        } catch (ContainerException e) {
            // whatever it was, it is not the program that was not found
            Failure failure = e.failure();
            return failure.kind() == Failure.Kind.NOT_FOUND
                    ? Failure.of(Failure.Kind.UNAVAILABLE, failure.describe())
                    : failure;
        }
    }

    private void report(ExecveReply reply) throws IOException {
        PrintWriter errors = spec.commandLine().getErr();
        if (reply instanceof Failure failure) {
            errors.println(
                    "cloister: "
                            + (failure.kind() == Failure.Kind.NOT_FOUND
                                    ? "there is no program '%s' in the container"
                                            .formatted(arguments.getFirst())
                                    : failure.describe()));
        } else if (reply instanceof ExecveResult result) {
            result.limit()
                    .map(Limit::text)
                    .ifPresent(limit -> errors.println("cloister: " + limit + " limit reached"));
        }
        if (json.isPresent()) {
            String document = RunReport.json(reply);
            if (json.get().equals("-")) {
                errors.print(document);
            } else {
                Files.writeString(Path.of(json.get()), document);
            }
        }
        errors.flush();
    }

    private Execve request() {
        try {
            Rlimits.Builder rlimits = Rlimits.builder();
            cpuTime.ifPresent(rlimits::cpuTime);
            memory.ifPresent(rlimits::addressSpace);
            fileSize.ifPresent(rlimits::fileSize);
            processes.ifPresent(rlimits::processes);
            return Execve.of(arguments)
                    .rlimits(rlimits.build())
                    .wallTime(wallTime)
                    .seccomp(new Seccomp(seccomp))
                    .build();
        } catch (InvalidRequest e) {
            throw wrong(e);
        }
    }

    private ContainerConfig config(ContainerConfig standard) {
        try {
            ContainerConfig.Builder config = standard.toBuilder();
            environment.forEach(config::environment);
            for (String bind : binds) {
                int colon = bind.indexOf(':');
                String source = colon < 0 ? bind : bind.substring(0, colon);
                String target = colon < 0 ? absolute(bind) : bind.substring(colon + 1);
                config.mount(Mount.Bind.readOnly(absolute(source), target));
            }
            return config.build();
        } catch (InvalidRequest e) {
            throw wrong(e);
        }
    }

    private static String absolute(String path) {
        return Path.of(path).toAbsolutePath().normalize().toString();
    }

    private void copyIn(ContainerSession container, String copy)
            throws IOException, ContainerException, InterruptedException {
        int colon = copy.indexOf(':');
        Path file = Path.of(colon < 0 ? copy : copy.substring(0, colon));
        String name = colon < 0 ? String.valueOf(file.getFileName()) : copy.substring(colon + 1);
        if (!Files.isRegularFile(file)) {
            throw new ParameterException(
                    spec.commandLine(), "there is no file '%s' to copy".formatted(file));
        }
        int mode = Files.isExecutable(file) ? 0755 : 0644;
        container.write(name, mode, Files.readAllBytes(file));
    }

    private ParameterException wrong(InvalidRequest reason) {
        return new ParameterException(
                spec.commandLine(), String.valueOf(reason.getMessage()), reason);
    }

    /** Those of 0, 1 and 2 that this process has; the program gets /dev/null for another. */
    private static ExecveDescriptors standardStreams() {
        Map<Integer, Fd> streams = new TreeMap<>();
        for (int number = 0; number <= 2; number++) {
            int copy = LibC.fcntl(number, Linux.F_DUPFD_CLOEXEC, Linux.SOCK);
            if (copy >= 0) {
                streams.put(number, Fd.own(copy, "standard stream " + number));
            }
        }
        return ExecveDescriptors.of(streams);
    }
}
