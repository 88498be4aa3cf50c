// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.testkit.Command;
import io.cloister.nativeio.testkit.Skip;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * init.c on a kernel that is none, fed with mutations of real programs: with libFuzzer where clang
 * has it, else with the mutator of fuzz_init.c itself. Bounded by runs, so that it does the same on
 * every machine; {@code -Dfuzz.seconds=600} bounds it by time instead.
 */
@Timeout(value = 1, unit = TimeUnit.DAYS) // its commands have deadlines
class InitFuzzTest {
    private static final Path HARNESS = Path.of("src/test/c/fuzz_init.c").toAbsolutePath();
    private static final Path CORPUS = Path.of("src/test/corpus/init").toAbsolutePath();
    private static final Duration COMPILATION = Duration.ofMinutes(2);
    private static final Duration REPLAY = Duration.ofMinutes(5);
    private static final int LIBFUZZER_RUNS = 400_000;
    private static final int OWN_RUNS = 1_000_000;
    private static final List<String> WARNINGS =
            List.of("-std=gnu11", "-g", "-O1", "-Wall", "-Wextra");

    private static final int SECONDS = Integer.getInteger("fuzz.seconds", 0);

    @TempDir private Path directory;

    @Test
    void shouldHoldItsInvariantsUnderLibFuzzer() throws Exception {
        Path fuzzer = directory.resolve("fuzzer");
        Optional<String> obstacle =
                compile(fuzzer, "clang", "-fsanitize=fuzzer,address,undefined", "-DFUZZ_ASAN");
        Skip.when(obstacle.isPresent(), "no clang with libFuzzer: " + obstacle.orElse(""));
        Path found = Files.createDirectory(directory.resolve("found"));

        String bound = SECONDS > 0 ? "-max_total_time=" + SECONDS : "-runs=" + LIBFUZZER_RUNS;
        Command.Result result =
                run(
                        fuzzer.toString(),
                        "-seed=1",
                        "-max_len=16384",
                        "-timeout=20",
                        "-print_final_stats=1",
                        "-artifact_prefix=" + directory + "/",
                        bound,
                        found.toString(),
                        CORPUS.toString());

        assertThat(result.exit()).as(result.output()).isZero();
        assertThat(result.output()).contains("Done ");
    }

    /** With any compiler: the corpus, then mutations of it from a fixed seed. */
    @Test
    void shouldHoldItsInvariantsUnderMutation() throws Exception {
        Path fuzzer = directory.resolve("standalone");
        if (compile(fuzzer, "cc", "-DSTANDALONE", "-fsanitize=address,undefined").isPresent()) {
            System.out.println("cc has no sanitizers: only fuzz_init.c's own checks are made");
            assertThat(compile(fuzzer, "cc", "-DSTANDALONE")).isEmpty();
        }

        Command.Result result =
                run(
                        fuzzer.toString(),
                        Integer.toString(OWN_RUNS),
                        "1",
                        CORPUS.toString(),
                        Integer.toString(SECONDS));

        assertThat(result.exit()).as(result.output()).isZero();
        assertThat(result.output()).contains("messages");
    }

    /** The seeds are of this machine's architecture where they name system calls. */
    @Test
    void shouldKeepTheCorpusAsJavaEncodesItNow() throws Exception {
        Skip.when(Architecture.current() != Architecture.X86_64, "the corpus was made on x86-64");
        for (Map.Entry<String, byte[]> seed : FuzzCorpus.seeds().entrySet()) {
            assertThat(CORPUS.resolve(seed.getKey()))
                    .as("run FuzzCorpus to write the seeds anew")
                    .hasBinaryContent(seed.getValue());
        }
    }

    private Command.Result run(String... command) throws Exception {
        return Command.run(directory, REPLAY.plusSeconds(SECONDS), List.of(command));
    }

    /** Why it cannot be compiled, if so. */
    private Optional<String> compile(Path to, String compiler, String... options) throws Exception {
        if (!Command.isInstalled(compiler)) {
            return Optional.of("no " + compiler);
        }
        List<String> command = new ArrayList<>(List.of(compiler));
        command.addAll(WARNINGS);
        command.addAll(List.of(options));
        if (String.join(" ", options).contains("-fsanitize")) {
            command.add("-fno-sanitize-recover=undefined");
        }
        command.addAll(List.of("-o", to.toString(), HARNESS.toString()));
        Command.Result result = Command.run(directory, COMPILATION, command);
        return result.exit() == 0 ? Optional.empty() : Optional.of(result.output());
    }
}
