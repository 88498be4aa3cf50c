// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The tests tagged {@code cgroup}, of this module and of nativeio, once more on other kernels,
 * which have every controller of control groups in version 2: see {@code src/test/vm/vm.sh}. Those
 * over the socket are left out. Their reports join those of this machine; their output is in {@code
 * target/vm}.
 */
@Timeout(value = 25, unit = TimeUnit.MINUTES)
class VmTest {
    private static final Path SCRIPT = Path.of("src/test/vm/vm.sh").toAbsolutePath();

    @Test
    void shouldPassOnTheStockKernel() throws Exception {
        runTests("stock");
    }

    @Test
    void shouldPassOnTheNewestKernelOfBackports() throws Exception {
        assumeTrue(Boolean.getBoolean("cloister.long"), "only with ./cloister verify --long");
        runTests("backports");
    }

    private static void runTests(String kernel) throws IOException, InterruptedException {
        Path shared = Files.createDirectories(Path.of("target/vm", kernel)).toAbsolutePath();
        Path output = shared.resolve("output");
        Path report = shared.resolve("reports/TEST-junit-jupiter.xml");
        Files.deleteIfExists(report);

        execute(List.of(SCRIPT.toString(), "missing", kernel), output);
        String missing = Files.readString(output).trim();
        assumeTrue(missing.isEmpty(), missing);

        String classPath = classPathOfJars(shared);
        Path archive = shared.resolve("classes.jsa");
        List<String> warmUp = launcher(classPath, "-XX:ArchiveClassesAtExit=" + archive);
        warmUp.addAll(List.of("--select-class", FixtureTest.class.getName()));
        execute(warmUp, output); // should it fail, the tests only take longer

        List<String> command = new ArrayList<>();
        command.addAll(List.of(SCRIPT.toString(), "run", "--kernel", kernel));
        command.addAll(List.of("--shared", shared.toString(), "--time", "20m", "--"));
        command.addAll(launcher(classPath, "-XX:SharedArchiveFile=" + archive));
        command.addAll(List.of("--select-package", "io.cloister", "--include-tag", "cgroup"));
        command.addAll(List.of("--exclude-tag", OverSocketTest.TAG));
        command.addAll(List.of("--fail-if-no-tests", "--reports-dir", "/run/shared/reports"));
        int exit = execute(command, output);
        if (Files.exists(report)) {
            Files.writeString(
                    Files.createDirectories(Path.of("target/surefire-reports"))
                            .resolve("TEST-vm-" + kernel + ".xml"),
                    Files.readString(report)
                            .replace(
                                    "\" classname=", " on the " + kernel + " kernel\" classname="));
        }
        assertThat(exit)
                .as("exit status of the tests on the %s kernel: %s", kernel, end(output))
                .isZero();
    }

    /**
     * The class path of this module and of nativeio's tests. Loading a worker's classes takes the
     * emulated machine half a minute, unless a JVM here has archived them; and that takes jars
     * only.
     */
    private static String classPathOfJars(Path directory) {
        List<String> jars = new ArrayList<>();
        String classPath =
                System.getProperty("java.class.path") + ":../nativeio/target/test-classes";
        for (String entry : classPath.split(":", -1)) {
            if (Files.isDirectory(Path.of(entry))) {
                String jar = directory.resolve(jars.size() + ".jar").toString();
                int status =
                        ToolProvider.findFirst("jar")
                                .orElseThrow()
                                .run(System.out, System.err, "-cf", jar, "-C", entry, ".");
                assertThat(status).as("jar of %s", entry).isZero();
                jars.add(jar);
            } else {
                jars.add(entry);
            }
        }
        return String.join(":", jars);
    }

    /** JUnit's launcher, to which one says what to run. */
    private static List<String> launcher(String classPath, String sharing) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(
                List.of(
                        "-XX:+IgnoreUnrecognizedVMOptions",
                        "--sun-misc-unsafe-memory-access=allow",
                        "--enable-native-access=ALL-UNNAMED",
                        // The emulated machine takes too long to compile well.
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-XX:-UsePerfData",
                        "-Xmx768m",
                        sharing,
                        "-Xlog:disable",
                        "-Djna.nosys=true",
                        "-Dakka.logger-startup-timeout=60s",
                        "-Dakka.test.timefactor=10",
                        "-Dakka.actor.testkit.typed.timefactor=10",
                        "-Dcloister.container.deadline=60s",
                        "-Dcloister.container.configure-deadline=60s",
                        "-Djunit.jupiter.execution.timeout.default=300s",
                        "-Djunit.jupiter.execution.timeout.thread.mode.default=SEPARATE_THREAD",
                        "-cp",
                        classPath,
                        "org.junit.platform.console.ConsoleLauncher",
                        "execute",
                        "--disable-banner",
                        "--disable-ansi-colors",
                        "--details=testfeed"));
        return command;
    }

    private static int execute(List<String> command, Path output)
            throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectInput(new File("/dev/null"))
                        .redirectOutput(output.toFile())
                        .start();
        try {
            return process.waitFor();
        } finally {
            process.descendants().forEach(ProcessHandle::destroy);
            process.destroy();
        }
    }

    /** The last lines of a file, which may be of any size and encoding. */
    private static String end(Path file) throws IOException {
        List<String> lines = Files.readString(file, StandardCharsets.ISO_8859_1).lines().toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 60), lines.size()));
    }
}
