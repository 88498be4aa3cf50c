// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.testkit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Another process, run to its end. */
public final class Command {
    private Command() {}

    /**
     * What a process left.
     *
     * @param exit its exit status
     * @param output what it wrote, errors included
     */
    public record Result(int exit, String output) {
        public List<String> lines() {
            return output.lines().toList();
        }

        /** This result, provided that the exit status is 0. */
        public Result orFail() {
            if (exit != 0) {
                throw new AssertionError("exit status " + exit + ": " + output);
            }
            return this;
        }
    }

    /** Runs a command in a directory; one that outlives the limit is killed and is an error. */
    public static Result run(Path directory, Duration limit, List<String> command)
            throws IOException, InterruptedException {
        Path output = Files.createTempFile("cloister-test", ".out");
        try {
            Process process =
                    new ProcessBuilder(command)
                            .directory(directory.toFile())
                            .redirectErrorStream(true)
                            .redirectOutput(output.toFile())
                            .start();
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
                throw new AssertionError(
                        command + " took longer than " + limit + ": " + Files.readString(output));
            }
            return new Result(process.exitValue(), Files.readString(output));
        } finally {
            Files.deleteIfExists(output);
        }
    }

    /** Whether the search path has a program of this name. */
    public static boolean isInstalled(String name) {
        return Arrays.stream(System.getenv("PATH").split(":", -1))
                .anyMatch(entry -> Files.isExecutable(Path.of(entry, name)));
    }
}
