// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;

/** Examples on the project's pages are parts of tests, which show that they work. */
final class Example {
    private static final String BLOCK = "```java\n";

    private Example() {}

    /**
     * The first block of Java on a page, after some text, is what a test has between its marks.
     *
     * @param page by its path in the repository
     */
    static void assertShown(String page, String after, Class<?> test) throws IOException {
        String text = Files.readString(root().resolve(page));
        int start = text.indexOf(BLOCK, text.indexOf(after)) + BLOCK.length();
        assertThat(text.substring(start, text.indexOf("```", start))).isEqualTo(regionOf(test));
    }

    private static String regionOf(Class<?> test) throws IOException {
        Path source =
                root().resolve("integration-tests/src/test/java")
                        .resolve(test.getName().replace('.', '/') + ".java");
        return Files.readAllLines(source).stream()
                .dropWhile(line -> !line.equals("    // begin of the example"))
                .skip(1)
                .takeWhile(line -> !line.equals("    // end of the example"))
                .map(line -> line.startsWith("    ") ? line.substring(4) : line)
                .collect(Collectors.joining("\n", "", "\n"))
                .stripTrailing()
                .concat("\n");
    }

    private static Path root() {
        Path directory = Path.of("").toAbsolutePath();
        while (!Files.exists(directory.resolve("docs/ARCHITECTURE.md"))) {
            directory = directory.getParent();
        }
        return directory;
    }
}
