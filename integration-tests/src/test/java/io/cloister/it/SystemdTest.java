// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The unit of the service under a real systemd with control groups of version 2: see {@code
 * src/test/vm/systemd.sh}.
 */
@Timeout(value = 11, unit = TimeUnit.MINUTES)
class SystemdTest {
    private static final Path VM = Path.of("src/test/vm").toAbsolutePath();

    @TempDir private Path directory;

    @Test
    void shouldEnforceAllLimitsUnderAllOptionsOfTheUnit() throws Exception {
        assumeTrue(Boolean.getBoolean("cloister.long"), "only with ./cloister verify --long");
        assumeTrue(Files.exists(Path.of("/lib/systemd/systemd")), "there is no systemd");
        String missing = output(List.of(VM.resolve("vm.sh").toString(), "missing", "stock"));
        assumeTrue(missing.isBlank(), missing);
        List<Path> archives;
        try (Stream<Path> files = Files.list(Path.of("../target"))) {
            archives = files.filter(file -> file.toString().endsWith(".tar.gz")).toList();
        }
        assumeTrue(!archives.isEmpty(), "there is no archive: ./cloister dist makes it");

        List<String> command = new ArrayList<>();
        command.addAll(List.of(VM.resolve("vm.sh").toString(), "run", "--time", "10m", "--"));
        command.add(VM.resolve("systemd.sh").toString());
        command.add(System.getProperty("java.home"));
        command.add(archives.getFirst().toRealPath().toString());
        command.addAll(List.of("run", "--cpu-time=10s", "--wall-time=60s", "--memory=64MiB"));
        command.addAll(List.of("--processes=8", "--cpu-rate=0.9", "--json", "--"));
        command.addAll(
                List.of("/bin/grep", "-E", "^(NoNewPrivs|CapBnd|Umask)", "/proc/self/status"));

        assertThat(output(command))
                .contains("\"status\":\"OK\"")
                .contains(
                        "\"stdout\":\"Umask:\\t0000\\nCapBnd:\\t0000000000000000\\nNoNewPrivs:\\t1\\n\"")
                .contains("\"memory\":[\"cgroup-v2\"]")
                .contains("\"processes\":[\"cgroup-v2\"]")
                .contains("\"cpu-rate\":[\"cgroup-v2\"]");
    }

    private String output(List<String> command) throws IOException, InterruptedException {
        Path file = Files.createTempFile(directory, "output", "");
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(file.toFile())
                        .redirectInput(Path.of("/dev/null").toFile())
                        .start();
        try {
            process.waitFor();
        } finally {
            process.destroyForcibly();
        }
        return Files.readString(file, StandardCharsets.UTF_8);
    }
}
