// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Programs of {@code src/test/c}, compiled when a test needs them. */
final class CProgram {
    static final Path SOURCES = Path.of("src/test/c").toAbsolutePath();
    static final String NO_COMPILER = "no C compiler (cc)";
    private static final int COMPILE_SECONDS = 120;

    private CProgram() {}

    /** Whether programs can be compiled here. */
    static boolean hasCompiler() {
        return Stream.of(System.getenv("PATH").split(":"))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, "cc")));
    }

    /** Compiles {@code NAME.c} to a program that needs no library. */
    static byte[] compile(String name) throws IOException, InterruptedException {
        Path program = Files.createTempFile(name, ".out");
        try {
            compile(name + ".c", program);
            return Files.readAllBytes(program);
        } finally {
            Files.delete(program);
        }
    }

    static void compile(String file, Path program) throws IOException, InterruptedException {
        Path log = Path.of(program + ".log");
        Process cc =
                new ProcessBuilder(
                                "cc",
                                "-O1",
                                "-static",
                                "-pthread",
                                "-o",
                                program.toString(),
                                SOURCES.resolve(file).toString())
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        assertThat(cc.waitFor(COMPILE_SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(cc.exitValue()).as(Files.readString(log)).isZero();
        Files.delete(log);
    }
}
