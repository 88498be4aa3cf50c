// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.fuzz;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;

/** What can be fuzzed, each with the inputs that the fuzzer begins with. */
enum FuzzTarget {
    /** Between a worker and the local service. */
    FRAMES(FrameFuzz.class, "protocol/src/test/resources/io/cloister/protocol/service"),
    /** Runs, results and what they are made of. */
    VALUES(ValueFuzz.class, "protocol/src/test/resources/io/cloister/protocol/kryo"),
    /** Between the nodes of a cluster. */
    MESSAGES(MessageFuzz.class, "supervisor/src/test/resources/io/cloister/supervisor/cluster");

    /** From the module's directory. */
    private static final Path HOME = Path.of("..");

    private final Class<?> type;
    private final String goldenBytes;

    FuzzTarget(Class<?> type, String goldenBytes) {
        this.type = type;
        this.goldenBytes = goldenBytes;
    }

    /** Has the method that the fuzzer calls. */
    Class<?> type() {
        return type;
    }

    /** The samples of every version of the format. */
    List<byte[]> golden() throws IOException {
        List<byte[]> inputs = new ArrayList<>();
        try (var files =
                Files.newDirectoryStream(HOME.resolve(goldenBytes), "golden-bytes-*.txt")) {
            for (Path file : files) {
                for (String line : lines(file)) {
                    String[] words = line.split(" ");
                    ByteArrayOutputStream input = new ByteArrayOutputStream();
                    if (this == MESSAGES) {
                        input.write(Integer.parseInt(words[1]) - MessageFuzz.FIRST_MANIFEST);
                    }
                    input.writeBytes(HexFormat.of().parseHex(words[words.length - 1]));
                    inputs.add(input.toByteArray());
                }
            }
        }
        return inputs;
    }

    /** What earlier searches have found to take other branches than the samples do. */
    List<byte[]> kept() throws IOException {
        return lines(corpus()).stream().map(HexFormat.of()::parseHex).toList();
    }

    /** Replaces what is kept. */
    void keep(Collection<byte[]> inputs) throws IOException {
        List<String> lines = new ArrayList<>();
        lines.add("# Found by ./cloister fuzz --keep: an input in each line.");
        inputs.stream()
                .map(HexFormat.of()::formatHex)
                .distinct()
                .sorted(Comparator.comparingInt(String::length).thenComparing(line -> line))
                .forEach(lines::add);
        Files.write(corpus(), lines);
    }

    Path corpus() {
        return HOME.resolve("integration-tests/src/test/resources/fuzz").resolve(this + ".txt");
    }

    /** Where a search works. */
    Path directory() {
        return HOME.resolve("integration-tests/target/fuzz").resolve(toString());
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    private static List<String> lines(Path file) throws IOException {
        return Files.readAllLines(file).stream()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .toList();
    }
}
