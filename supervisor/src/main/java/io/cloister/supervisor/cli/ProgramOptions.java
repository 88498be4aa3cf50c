// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.message.Seccomp;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.json.Cores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** The options of commands that start a program: its limits, files and surroundings. */
final class ProgramOptions {
    private static final String PROFILES = "cloister.seccomp.profiles.";
    private static final String OWN_PROFILE = "command-line";

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec = CommandSpec.create();

    @ArgGroup(validate = false, heading = "%nLimits (docs/limits.md):%n", order = 1)
    private LimitOptions limits = new LimitOptions();

    @ArgGroup(validate = false, heading = "%nFiles and surroundings:%n", order = 2)
    private Surroundings surroundings = new Surroundings();

    /** A rate of CPU time. */
    static final class CpuRate implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String text) {
            try {
                return Cores.thousandths(text);
            } catch (InvalidRequest e) {
                throw new TypeConversionException(String.valueOf(e.getMessage()));
            }
        }
    }

    private static final class LimitOptions {
        @Option(
                names = "--wall-time",
                paramLabel = "TIME",
                converter = Durations.class,
                description = "From its start to its end, for example 500ms, 1.5s, 2m.")
        private Optional<Duration> wallTime = Optional.empty();

        @Option(
                names = "--cpu-time",
                paramLabel = "TIME",
                converter = Durations.class,
                description = "User and system time of all its processes and threads together.")
        private Optional<Duration> cpuTime = Optional.empty();

        @Option(
                names = "--memory",
                paramLabel = "SIZE",
                converter = Sizes.class,
                description = "Of all its processes together, without swap, for example 64MiB.")
        private Optional<ByteSize> memory = Optional.empty();

        @Option(
                names = "--processes",
                paramLabel = "N",
                description = "Processes and threads at a time.")
        private Optional<Integer> processes = Optional.empty();

        @Option(
                names = "--output",
                paramLabel = "SIZE",
                converter = Sizes.class,
                description =
                        "Bytes written to standard output and to standard error, each. They come at"
                                + " the end then, not as they are written.")
        private Optional<ByteSize> output = Optional.empty();

        @Option(
                names = "--file-size",
                paramLabel = "SIZE",
                converter = Sizes.class,
                description = "Length of any file that it writes.")
        private Optional<ByteSize> fileSize = Optional.empty();

        @Option(
                names = "--stack",
                paramLabel = "SIZE",
                converter = Sizes.class,
                description = "Stack of the main thread.")
        private Optional<ByteSize> stack = Optional.empty();

        @Option(names = "--open-files", paramLabel = "N", description = "Open descriptors.")
        private Optional<Integer> openFiles = Optional.empty();

        @Option(
                names = "--address-space",
                paramLabel = "SIZE",
                converter = Sizes.class,
                description = "Virtual memory of each of its processes.")
        private Optional<ByteSize> addressSpace = Optional.empty();

        @Option(
                names = "--data-segment",
                paramLabel = "SIZE",
                converter = Sizes.class,
                description = "Heap and private writable mappings of each of its processes.")
        private Optional<ByteSize> dataSegment = Optional.empty();

        @Option(
                names = "--tmpfs-size",
                paramLabel = "SIZE",
                converter = Sizes.class,
                description = "Bytes in each writable file system of the container.")
        private Optional<ByteSize> diskSize = Optional.empty();

        @Option(
                names = "--tmpfs-inodes",
                paramLabel = "N",
                description = "Files in each writable file system of the container.")
        private Optional<Integer> diskFiles = Optional.empty();

        @Option(
                names = "--cpu-rate",
                paramLabel = "CORES",
                converter = CpuRate.class,
                description = "Cores that it may use on average, for example 0.5.")
        private Optional<Integer> cpuRate = Optional.empty();

        @Option(
                names = "--cpu-set",
                paramLabel = "LIST",
                description = "Cores to run on, for example 0-1,4.")
        private Optional<String> cpuSet = Optional.empty();

        @Option(
                names = "--allow-less",
                description =
                        "Run even if some of these can be enforced here only in part or not at all.")
        private boolean allowLess;
    }

    private static final class Surroundings {
        @Option(
                names = {"--copy-in", "--copy"},
                paramLabel = "FILE[:NAME[:MODE]]",
                description =
                        "Copy a file into the container, by default under its own name into the work"
                                + " directory; may be repeated.")
        private List<String> copyIn = new ArrayList<>();

        @Option(
                names = "--env",
                paramLabel = "NAME=VALUE",
                description = "Set a variable of its environment; may be repeated.")
        private Map<String, String> environment = new LinkedHashMap<>();

        @Option(
                names = "--work-dir",
                paramLabel = "DIRECTORY",
                description = "Where in the container it starts; /w.")
        private Optional<String> workDirectory = Optional.empty();

        @Option(
                names = "--bind",
                paramLabel = "PATH[:TARGET[:rw]]",
                description =
                        "Make a file or directory of this machine visible in the container, read-only"
                                + " without rw; may be repeated.")
        private List<String> binds = new ArrayList<>();

        @Option(
                names = "--seccomp",
                paramLabel = "PROFILE",
                description =
                        "The system calls it may make: default, strict, none (no filter), or a JSON"
                                + " file as Docker and OCI runtimes read it (docs/seccomp.md).")
        private String seccomp = Seccomp.DEFAULT.profile();
    }

    /** Those that are given, on top of what the command starts with. */
    Limits limits(Duration defaultWallTime) {
        Limits.Builder all = Limits.builder();
        all.wallTime(limits.wallTime.orElse(defaultWallTime));
        limits.cpuTime.ifPresent(all::cpuTime);
        limits.memory.ifPresent(all::memory);
        limits.processes.ifPresent(all::processes);
        limits.output.ifPresent(all::output);
        limits.fileSize.ifPresent(all::fileSize);
        limits.stack.ifPresent(all::stack);
        limits.openFiles.ifPresent(all::openFiles);
        limits.addressSpace.ifPresent(all::addressSpace);
        limits.dataSegment.ifPresent(all::dataSegment);
        limits.diskSize.ifPresent(all::diskSize);
        limits.diskFiles.ifPresent(all::diskFiles);
        limits.cpuRate.ifPresent(all::cpuRate);
        limits.cpuSet.ifPresent(all::cpuSet);
        all.allowLess(limits.allowLess);
        return all.build();
    }

    /** What of them belongs to a program. */
    void apply(Program.Builder program) throws IOException {
        surroundings.workDirectory.ifPresent(program::workDirectory);
        program.seccomp(new Seccomp(isProfileFile() ? OWN_PROFILE : surroundings.seccomp));
        for (String copy : surroundings.copyIn) {
            program.copyIn(copyIn(copy));
        }
    }

    /** What of them belongs to the container. */
    ContainerConfig shape(ContainerConfig standard) {
        ContainerConfig.Builder config = standard.toBuilder();
        surroundings.environment.forEach(config::environment);
        surroundings.binds.forEach(bind -> config.mount(mount(bind)));
        return config.build();
    }

    /** What of them belongs to the worker. */
    Map<String, Object> settings() {
        Map<String, Object> settings = new HashMap<>();
        if (isProfileFile()) {
            settings.put(PROFILES + OWN_PROFILE, absolute(surroundings.seccomp));
        }
        // Whoever gives the options may read these files, and the worker's user is the same.
        settings.put("cloister.run.host-files", List.of("/"));
        return settings;
    }

    private boolean isProfileFile() {
        return surroundings.seccomp.endsWith(".json") || surroundings.seccomp.contains("/");
    }

    private CopyIn copyIn(String copy) throws IOException {
        String[] parts = copy.split(":", -1);
        Path file = Path.of(parts[0]);
        if (parts.length > 3) {
            throw wrong("'%s' has more than two colons: write FILE:NAME:MODE".formatted(copy));
        }
        if (!Files.isRegularFile(file)) {
            throw wrong("there is no file '%s' to copy".formatted(file));
        }
        String name = parts.length > 1 ? parts[1] : String.valueOf(file.getFileName());
        int mode = Files.isExecutable(file) ? 0755 : 0644;
        if (parts.length > 2) {
            try {
                mode = Integer.parseInt(parts[2], 8);
            } catch (NumberFormatException e) {
                throw wrong("'%s' is no octal mode: write for example 0755".formatted(parts[2]));
            }
        }
        String real = file.toRealPath().toString();
        return new CopyIn.File(name, new Content.HostFile(real), mode);
    }

    private Mount mount(String bind) {
        String[] parts = bind.split(":", -1);
        String source = absolute(parts[0]);
        String target = parts.length > 1 ? parts[1] : source;
        if (parts.length > 3 || (parts.length == 3 && !parts[2].equals("rw"))) {
            throw wrong(
                    "'%s' is not understood: write PATH:TARGET or PATH:TARGET:rw".formatted(bind));
        }
        return parts.length == 3
                ? Mount.Bind.writable(source, target)
                : Mount.Bind.readOnly(source, target);
    }

    static String absolute(String path) {
        return Path.of(path).toAbsolutePath().normalize().toString();
    }

    private ParameterException wrong(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
