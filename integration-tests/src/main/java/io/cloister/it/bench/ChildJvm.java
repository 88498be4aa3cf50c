// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Another JVM of the same kind, whose standard output is for what it has to say alone. */
final class ChildJvm {
    private ChildJvm() {}

    /** Runs the main method of a class, which logs as the bench does. */
    static Process start(Class<?> main, String argument) throws IOException {
        return new ProcessBuilder(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:+IgnoreUnrecognizedVMOptions",
                                "--sun-misc-unsafe-memory-access=allow",
                                "--enable-native-access=ALL-UNNAMED",
                                "-XX:+UseSerialGC",
                                "-Dlogback.configurationFile=bench-logback.xml",
                                "-cp",
                                System.getProperty("java.class.path"),
                                main.getName(),
                                argument))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }
}
