// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.fuzz;

import io.cloister.supervisor.cli.Version;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ./cloister fuzz}. */
@Command(
        name = "fuzz",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        description = "Looks for bytes that do harm to those who read them.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            " 0:nothing was found",
            " 1:something was found; the last lines say what and which bytes",
            " 2:wrong usage",
            "70:the fuzzer could not be run"
        })
public final class Main implements Callable<Integer> {
    /** What the fuzzer exits with for too much time, too much memory, and what was thrown. */
    private static final Set<Integer> FOUND_CODES = Set.of(70, 71, 77);

    private static final int FOUND = 1;
    private static final int FAILED = 70;
    private static final int MAX_INPUT_BYTES = 4096;

    @Option(
            names = "--minutes",
            paramLabel = "N",
            defaultValue = "10",
            description = "How long to look, each target; the standard is ${DEFAULT-VALUE}.")
    private int minutes;

    @Option(
            names = "--keep",
            description = "Put the inputs that take new branches into the sources, for the tests.")
    private boolean keep;

    @Parameters(
            paramLabel = "TARGET",
            arity = "0..*",
            description = "Only these: ${COMPLETION-CANDIDATES}.")
    private Set<FuzzTarget> targets = EnumSet.allOf(FuzzTarget.class);

    private final PrintStream err = new PrintStream(System.err, true, StandardCharsets.UTF_8);

    private Main() {}

    public static void main(String[] arguments) {
        Main main = new Main();
        CommandLine command =
                new CommandLine(main)
                        .setCaseInsensitiveEnumValuesAllowed(true)
                        .setExecutionExceptionHandler((e, line, parsed) -> main.explain(e));
        System.exit(command.execute(arguments));
    }

    private int explain(Exception e) {
        err.println("fuzz: " + e.getMessage());
        return FAILED;
    }

    @Override
    public Integer call() throws Exception {
        int worst = 0;
        for (FuzzTarget target : targets) {
            int code = fuzz(target);
            if (code != 0 && !FOUND_CODES.contains(code)) {
                err.println("fuzz: the fuzzer ended with " + code);
                return FAILED;
            }
            worst = code == 0 ? worst : FOUND;
            if (code == 0 && keep) {
                keep(target);
            }
        }
        return worst;
    }

    private int fuzz(FuzzTarget target) throws IOException, InterruptedException {
        Path corpus = Files.createDirectories(target.directory().resolve("corpus"));
        List<byte[]> seeds = new ArrayList<>(target.golden());
        seeds.addAll(target.kept());
        write(seeds, corpus);
        err.println(
                "fuzz: %s, %d minutes, %d inputs to begin with"
                        .formatted(target, minutes, seeds.size()));
        return run(
                target,
                List.of("-max_total_time=" + minutes * 60, "-print_final_stats=1"),
                List.of(corpus));
    }

    /** What was kept, and those of the inputs that have been found which other branches need. */
    private void keep(FuzzTarget target) throws IOException, InterruptedException {
        Path merged = target.directory().resolve("merged");
        clear(merged);
        List<byte[]> before = new ArrayList<>(target.golden());
        before.addAll(target.kept());
        write(before, Files.createDirectories(merged));
        int code =
                run(
                        target,
                        List.of("-merge=1"),
                        List.of(merged, target.directory().resolve("corpus")));
        if (code != 0) {
            throw new IOException("the corpus could not be merged, code " + code);
        }
        List<byte[]> kept = read(merged);
        for (byte[] sample : target.golden()) {
            kept.removeIf(input -> Arrays.equals(input, sample));
        }
        target.keep(kept);
        err.println("fuzz: %s keeps %d inputs".formatted(target, kept.size()));
    }

    /** The fuzzer in a JVM of its own, whose memory is bounded. */
    private static int run(FuzzTarget target, List<String> options, List<Path> corpora)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        command.addAll(
                List.of(
                        "-XX:+IgnoreUnrecognizedVMOptions",
                        "--sun-misc-unsafe-memory-access=allow",
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:+EnableDynamicAgentLoading",
                        "-XX:+UseSerialGC",
                        "-Xmx512m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "com.code_intelligence.jazzer.Jazzer",
                        "--target_class=" + target.type().getName(),
                        "--instrumentation_includes=io.cloister.protocol.**"
                                + ":io.cloister.supervisor.cluster.**:com.esotericsoftware.**",
                        "--reproducer_path=" + target.directory(),
                        "-artifact_prefix=" + target.directory() + "/",
                        "-rss_limit_mb=2048",
                        "-timeout=60",
                        "-max_len=" + MAX_INPUT_BYTES));
        command.addAll(options);
        corpora.forEach(corpus -> command.add(corpus.toString()));
        return new ProcessBuilder(command).inheritIO().start().waitFor();
    }

    private static void write(List<byte[]> inputs, Path directory) throws IOException {
        int number = 0;
        for (byte[] input : inputs) {
            Files.write(directory.resolve("seed-" + number++), input);
        }
    }

    private static List<byte[]> read(Path directory) throws IOException {
        List<byte[]> inputs = new ArrayList<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                inputs.add(Files.readAllBytes(file));
            }
        }
        return inputs;
    }

    private static void clear(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            try (Stream<Path> files = Files.list(directory)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
        }
    }
}
