// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import com.typesafe.config.Config;
import io.cloister.protocol.unit.ByteSize;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;

/**
 * How programs in a language are compiled and run; judge.conf says what each part means.
 *
 * @param code the format's name for it
 * @param compile empty when there is nothing to compile
 */
record Language(
        String code,
        String name,
        Set<String> extensions,
        int priority,
        List<String> needs,
        List<String> compile,
        Optional<String> artifact,
        List<String> run,
        ByteSize memory,
        OptionalInt outOfMemory,
        boolean isNative) {
    Language {
        extensions = Set.copyOf(extensions);
        needs = List.copyOf(needs);
        compile = List.copyOf(compile);
        run = List.copyOf(run);
        if (run.isEmpty()) {
            throw new IllegalArgumentException("judge.languages." + code + ".run is empty");
        }
    }

    static Language read(String code, Config config) {
        return new Language(
                code,
                config.getString("name"),
                Set.copyOf(config.getStringList("extensions")),
                config.getInt("priority"),
                config.getStringList("needs"),
                config.hasPath("compile") ? config.getStringList("compile") : List.of(),
                config.hasPath("artifact")
                        ? Optional.of(config.getString("artifact"))
                        : Optional.empty(),
                config.getStringList("run"),
                config.hasPath("memory")
                        ? ByteSize.ofBytes(config.getBytes("memory"))
                        : ByteSize.ZERO,
                config.hasPath("out-of-memory")
                        ? OptionalInt.of(config.getInt("out-of-memory"))
                        : OptionalInt.empty(),
                config.hasPath("native") && config.getBoolean("native"));
    }

    /** Those of the files, by their paths, that are source files in this language. */
    List<String> sources(SourceFiles program) {
        return program.files().keySet().stream().filter(this::isSource).toList();
    }

    private boolean isSource(String path) {
        int dot = path.lastIndexOf('.');
        return dot > path.lastIndexOf('/') && extensions.contains(path.substring(dot + 1));
    }

    /**
     * The source file to start: the only one, or the one called main, or the first.
     *
     * @param sources at least one
     * @param included further ones that may be called main, but are not started otherwise
     */
    static String main(List<String> sources, List<String> included) {
        return Stream.concat(included.stream(), sources.stream())
                .filter(Language::isCalledMain)
                .findFirst()
                .orElse(sources.getFirst());
    }

    private static boolean isCalledMain(String path) {
        String name = path.substring(path.lastIndexOf('/') + 1).toLowerCase(Locale.ROOT);
        return name.startsWith("main.") || name.equals("__main__.py");
    }

    /** A command with what stands for its placeholders. */
    static List<String> expand(
            List<String> command, List<String> files, Map<String, String> values) {
        List<String> expanded = new ArrayList<>();
        for (String word : command) {
            if (word.equals("{files}")) {
                files.forEach(file -> expanded.add("./" + file)); // a name is no option
                continue;
            }
            String text = word;
            for (Map.Entry<String, String> value : values.entrySet()) {
                text = text.replace("{" + value.getKey() + "}", value.getValue());
            }
            expanded.add(text);
        }
        return expanded;
    }
}
