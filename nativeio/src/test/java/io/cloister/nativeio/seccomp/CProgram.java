// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A small C program from the test resources, compiled with the system's compiler. */
final class CProgram {

    private static final long DEADLINE_SECONDS = 60;

    /** What a process left: its exit code and its output, errors in words apart. */
    record Result(int exit, Path output, String errors) {
        byte[] bytes() throws IOException {
            return Files.readAllBytes(output);
        }

        List<String> lines() throws IOException {
            return Files.readAllLines(output);
        }
    }

    private final Path directory;
    private final Path executable;

    private CProgram(Path directory, Path executable) {
        this.directory = directory;
        this.executable = executable;
    }

    /** Whether the compiler can build a program that includes the header and links the library. */
    static boolean canBuildWith(String header, String library, Path directory)
            throws IOException, InterruptedException {
        Path source = directory.resolve("probe.c");
        Files.writeString(source, "#include <" + header + ">\nint main(void) { return 0; }\n");
        return execute(
                                directory,
                                "",
                                List.of(
                                        "cc",
                                        "-o",
                                        directory.resolve("probe").toString(),
                                        source.toString(),
                                        "-l" + library))
                        .exit()
                == 0;
    }

    static CProgram build(String name, Path directory, String... options)
            throws IOException, InterruptedException {
        Path source = directory.resolve(name + ".c");
        try (InputStream resource = CProgram.class.getResourceAsStream(name + ".c")) {
            if (resource == null) {
                throw new IOException("no test resource " + name + ".c");
            }
            Files.copy(resource, source);
        }
        Path executable = directory.resolve(name);
        List<String> command = new ArrayList<>(List.of("cc", "-Wall", "-Wextra", "-Werror", "-O1"));
        command.addAll(List.of("-o", executable.toString(), source.toString()));
        command.addAll(Arrays.asList(options));
        Result result = execute(directory, "", command);
        if (result.exit() != 0) {
            throw new IOException("cc failed: " + result.errors());
        }
        return new CProgram(directory, executable);
    }

    Result run(String input, List<String> arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(executable.toString()));
        command.addAll(arguments);
        return execute(directory, input, command);
    }

    private static Result execute(Path directory, String input, List<String> command)
            throws IOException, InterruptedException {
        Path in = Files.createTempFile(directory, "in", "");
        Path out = Files.createTempFile(directory, "out", "");
        Path err = Files.createTempFile(directory, "err", "");
        Files.writeString(in, input);
        Process process =
                new ProcessBuilder(command)
                        .directory(directory.toFile())
                        .redirectInput(in.toFile())
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile())
                        .start();
        if (!process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IOException(command + " ran longer than its deadline");
        }
        return new Result(process.exitValue(), out, Files.readString(err));
    }
}
