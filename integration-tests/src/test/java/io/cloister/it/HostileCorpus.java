// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.cloister.nativeio.libc.Architecture;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Rlimits;
import io.cloister.protocol.unit.ByteSize;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The hostile programs of {@code src/test/c}, compiled, and what hostile.json says of each. */
final class HostileCorpus {
    private static final String LIST = "hostile.json";
    private static final int COMPILERS = 2;

    private static @Nullable HostileCorpus compiled;

    private final Path directory;
    private final JsonNode defaults;
    private final List<Hostile> programs = new ArrayList<>();

    /** A line of hostile.json. */
    record Hostile(String name, JsonNode line) {
        @Override
        public String toString() {
            return name + ": " + line.get("misdeed").asText();
        }

        /** Whether it is for this machine. */
        boolean fits() {
            return !line.has("architecture")
                    || line.get("architecture").asText().equals(Architecture.current().machine());
        }

        String file() {
            return line.get("file").asText();
        }

        /** Whether it is a misdeed for an execve alone, too, without a run's limits. */
        boolean isForExecve() {
            return !line.has("only");
        }

        List<String> arguments() {
            return texts(line.get("arguments"));
        }
    }

    private HostileCorpus(Path directory) throws IOException {
        this.directory = directory;
        JsonNode list = new ObjectMapper().readTree(directory.resolve(LIST).toFile());
        defaults = list.get("defaults");
        list.get("programs")
                .forEach(line -> programs.add(new Hostile(line.get("name").asText(), line)));
    }

    /** One that was compiled before. */
    static HostileCorpus in(Path directory) throws IOException {
        return new HostileCorpus(directory);
    }

    /** What there is, not compiled. */
    static HostileCorpus ofSources() throws IOException {
        return new HostileCorpus(CProgram.SOURCES);
    }

    /**
     * All programs, compiled once for all tests of this JVM, in a directory that everybody may
     * read.
     */
    static synchronized HostileCorpus compiled() throws Exception {
        HostileCorpus known = compiled;
        if (known == null) {
            Path directory = Files.createTempDirectory("hostile-");
            Runtime.getRuntime()
                    .addShutdownHook(new Thread(() -> delete(directory), "delete " + directory));
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
            known = compileInto(directory);
            compiled = known;
        }
        return known;
    }

    private static void delete(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Path directory() {
        return directory;
    }

    private static HostileCorpus compileInto(Path directory) throws Exception {
        Files.copy(CProgram.SOURCES.resolve(LIST), directory.resolve(LIST));
        HostileCorpus corpus = new HostileCorpus(directory);
        Set<String> files = new LinkedHashSet<>();
        corpus.programs.stream().filter(Hostile::fits).forEach(each -> files.add(each.file()));
        try (ExecutorService compilers = Executors.newFixedThreadPool(COMPILERS)) {
            List<Callable<Void>> tasks = new ArrayList<>();
            for (String file : files) {
                tasks.add(() -> {
                    CProgram.compile(file, directory.resolve(file + ".out"));
                    return null;
                });
            }
            for (Future<Void> done : compilers.invokeAll(tasks)) {
                done.get();
            }
        }
        return corpus;
    }

    List<Hostile> programs() {
        return programs;
    }

    byte[] executable(Hostile hostile) throws IOException {
        return Files.readAllBytes(directory.resolve(hostile.file() + ".out"));
    }

    Duration wallTime(Hostile hostile) {
        return Duration.ofMillis(limit(hostile, "wallMillis").asLong());
    }

    Rlimits rlimits(Hostile hostile) {
        Rlimits.Builder limits = Rlimits.builder();
        JsonNode cpu = limit(hostile, "cpuSeconds");
        if (!cpu.isNull()) {
            limits.cpuTime(Duration.ofSeconds(cpu.asLong()));
        }
        JsonNode addressSpace = limit(hostile, "addressSpaceMiB");
        if (!addressSpace.isNull()) {
            limits.addressSpace(ByteSize.ofMiB(addressSpace.asLong()));
        }
        JsonNode processes = limit(hostile, "processes");
        if (!processes.isNull()) {
            limits.processes(processes.asLong());
        }
        JsonNode fileSize = limit(hostile, "fileSizeMiB");
        if (!fileSize.isNull()) {
            limits.fileSize(ByteSize.ofMiB(fileSize.asLong()));
        }
        JsonNode openFiles = limit(hostile, "openFiles");
        if (!openFiles.isNull()) {
            limits.openFiles(openFiles.asLong());
        }
        return limits.build();
    }

    /** Every kind of limit that there is. */
    Limits limits(Hostile hostile) {
        Duration wallTime = Duration.ofMillis(runLimit(hostile, "wallMillis").asLong());
        JsonNode cpu = runLimit(hostile, "cpuSeconds");
        JsonNode addressSpace = runLimit(hostile, "addressSpaceMiB");
        Limits.Builder limits =
                Limits.builder()
                        .wallTime(wallTime)
                        .cpuTime(
                                cpu.isNull()
                                        ? wallTime.multipliedBy(2)
                                        : Duration.ofSeconds(cpu.asLong()))
                        .memory(ByteSize.ofMiB(runLimit(hostile, "memoryMiB").asLong()))
                        .processes(runLimit(hostile, "processes").asInt())
                        .output(ByteSize.ofKiB(runLimit(hostile, "outputKiB").asLong()))
                        .fileSize(ByteSize.ofMiB(runLimit(hostile, "fileSizeMiB").asLong(1024)))
                        .stack(ByteSize.ofMiB(8))
                        .openFiles(runLimit(hostile, "openFiles").asInt())
                        .dataSegment(ByteSize.ofMiB(1024))
                        .diskSize(ByteSize.ofMiB(256))
                        .diskFiles(65_536)
                        .cpuRate(2000);
        if (!addressSpace.isNull()) {
            limits.addressSpace(ByteSize.ofMiB(addressSpace.asLong()));
        }
        return limits.build();
    }

    private JsonNode runLimit(Hostile hostile, String name) {
        JsonNode own = hostile.line().path("run").path("limits").get(name);
        return own == null ? limit(hostile, name) : own;
    }

    private JsonNode limit(Hostile hostile, String name) {
        JsonNode own = hostile.line().path("limits").get(name);
        return own == null ? defaults.get(name) : own;
    }

    /** The strings of an array; of none when there is none. */
    static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        if (array != null) {
            array.forEach(text -> texts.add(text.asText()));
        }
        return texts;
    }
}
