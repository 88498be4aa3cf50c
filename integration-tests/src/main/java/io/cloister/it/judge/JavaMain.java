// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * Finds the class that has the main method in Java sources, with its package. It reads them once,
 * as far as words, braces, comments and literals go; sources that are no Java get some answer.
 */
final class JavaMain {
    private static final int MAX_LENGTH = 1 << 20;
    private static final Set<String> TYPES = Set.of("class", "record", "enum", "interface");

    private final String source;
    private int at;

    private JavaMain(String source) {
        this.source = source;
    }

    /**
     * The class to start.
     *
     * @param main the file to look into first
     * @param sources all source files, for the case that {@code main} has no such class
     * @return without one, the name of the file {@code main} less its extension
     */
    static String find(SourceFiles program, String main, List<String> sources) throws IOException {
        List<String> inOrder = new ArrayList<>(List.of(main));
        inOrder.addAll(sources);
        Optional<String> found = Optional.empty();
        for (String path : inOrder) {
            if (found.isEmpty()) {
                found = in(Objects.requireNonNull(program.files().get(path)));
            }
        }
        return found.orElseGet(() -> {
            String name = main.substring(main.lastIndexOf('/') + 1);
            int dot = name.indexOf('.');
            return dot < 0 ? name : name.substring(0, dot);
        });
    }

    private static Optional<String> in(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return in(new String(in.readNBytes(MAX_LENGTH), StandardCharsets.UTF_8));
        }
    }

    /** The class with the main method in a source; empty when it has none. */
    static Optional<String> in(String source) {
        return new JavaMain(source).find();
    }

    private Optional<String> find() {
        Deque<String> open = new ArrayDeque<>(); // types and, without names, other braces
        String inPackage = "";
        String type = "";
        String before = "";
        for (String word = next(); !word.isEmpty(); word = next()) {
            if (before.equals("package") && open.isEmpty()) {
                inPackage = word + ".";
            } else if (TYPES.contains(before)) {
                type = word;
            } else if (word.equals("{")) {
                open.push(type);
                type = "";
            } else if (word.equals("}")) {
                open.poll();
            } else if (before.equals("void") && word.equals("main")) {
                String owner = open.isEmpty() ? "" : open.peek();
                if (!owner.isEmpty()) {
                    return Optional.of(inPackage + owner);
                }
            }
            before = word;
        }
        return Optional.empty();
    }

    /** The next word, with dots in it, or brace; empty at the end. */
    private String next() {
        while (at < source.length()) {
            char c = source.charAt(at);
            if (Character.isJavaIdentifierStart(c)) {
                int start = at;
                while (at < source.length() && isPart(source.charAt(at))) {
                    at++;
                }
                return source.substring(start, at);
            }
            if (c == '{' || c == '}') {
                at++;
                return String.valueOf(c);
            }
            if (source.startsWith("//", at)) {
                skipTo("\n", at);
            } else if (source.startsWith("/*", at)) {
                skipTo("*/", at + 2);
            } else if (source.startsWith("\"\"\"", at)) {
                skipTo("\"\"\"", at + 3);
            } else if (c == '"' || c == '\'') {
                skipLiteral(c);
            } else {
                at++;
            }
        }
        return "";
    }

    private static boolean isPart(char c) {
        return c == '.' || Character.isJavaIdentifierPart(c);
    }

    private void skipTo(String end, int from) {
        int found = source.indexOf(end, from);
        at = found < 0 ? source.length() : found + end.length();
    }

    private void skipLiteral(char quote) {
        at++;
        while (at < source.length() && source.charAt(at) != quote && source.charAt(at) != '\n') {
            at += source.charAt(at) == '\\' ? 2 : 1;
        }
        at++;
    }
}
