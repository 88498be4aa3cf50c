// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The C programs of the benchmarks, compiled into a directory that goes when they are done. */
final class Programs implements AutoCloseable {
    private static final long COMPILE_SECONDS = 60;

    private final Path directory;

    private Programs(Path directory) {
        this.directory = directory;
    }

    /** An empty set, in a directory that programs of other users can reach. */
    static Programs create() throws IOException {
        Path directory = Files.createTempDirectory("cloister-bench-");
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        return new Programs(directory);
    }

    /**
     * Compiles NAME.c of this package.
     *
     * @throws IOException saying what the compiler said
     */
    Path compile(String name, String... flags) throws IOException, InterruptedException {
        Path source = directory.resolve(name + ".c");
        try (InputStream in = Programs.class.getResourceAsStream(name + ".c")) {
            if (in == null) {
                throw new IOException("this build has no " + name + ".c");
            }
            Files.copy(in, source);
        }
        Path program = directory.resolve(name);
        List<String> command = new ArrayList<>(List.of("cc", "-O2"));
        command.addAll(List.of(flags));
        command.addAll(List.of("-o", program.toString(), source.toString()));
        Path log = directory.resolve(name + ".log");
        Process compiler =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        if (!compiler.waitFor(COMPILE_SECONDS, TimeUnit.SECONDS)) {
            compiler.destroyForcibly();
            throw new IOException("compiling " + name + ".c takes too long");
        }
        if (compiler.exitValue() != 0) {
            throw new IOException(
                    "cannot compile "
                            + name
                            + ".c: "
                            + Files.readString(log, StandardCharsets.UTF_8));
        }
        return program;
    }

    @Override
    public void close() throws IOException {
        try (Stream<Path> paths = Files.walk(directory)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
