// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.YAMLException;

/** A map of a YAML file, whose values are what they should be or an error that names the key. */
final class YamlMap {
    private static final int MAX_LENGTH = 1 << 20;
    private static final int MAX_ALIASES = 50;
    private static final int MAX_DEPTH = 50;

    private final Path file;
    private final String prefix;
    private final Map<?, ?> values;

    private YamlMap(Path file, String prefix, Map<?, ?> values) {
        this.file = file;
        this.prefix = prefix;
        this.values = values;
    }

    /** Without keys, as an empty file is. */
    static YamlMap empty(Path file) {
        return new YamlMap(file, "", Map.of());
    }

    /** Reads a file of plain values: tags that would make objects of classes are errors. */
    static YamlMap read(Path file) throws IOException, BadPackageException {
        LoaderOptions options = new LoaderOptions();
        options.setAllowDuplicateKeys(false);
        options.setCodePointLimit(MAX_LENGTH);
        options.setMaxAliasesForCollections(MAX_ALIASES);
        options.setNestingDepthLimit(MAX_DEPTH);
        try (InputStream in = Files.newInputStream(file)) {
            Object document = new Yaml(new SafeConstructor(options)).<@Nullable Object>load(in);
            if (document == null) {
                return empty(file);
            }
            if (document instanceof Map<?, ?> map) {
                return new YamlMap(file, "", map);
            }
        } catch (YAMLException e) {
            throw new BadPackageException(file, "not readable as YAML: " + e.getMessage());
        }
        throw new BadPackageException(file, "not a map of keys and values");
    }

    /** Refuses keys that are none of these: most are misspelt. */
    void allowOnly(Collection<String> keys) throws BadPackageException {
        for (Object key : values.keySet()) {
            if (!keys.contains(String.valueOf(key))) {
                throw new BadPackageException(
                        file,
                        "unknown key %s%s: correct or remove it; known are %s"
                                .formatted(prefix, key, String.join(", ", keys)));
            }
        }
    }

    boolean has(String key) {
        return values.get(key) != null;
    }

    boolean isMap(String key) {
        return values.get(key) instanceof Map;
    }

    Optional<String> text(String key) throws BadPackageException {
        Object value = values.get(key);
        if (value == null) {
            return Optional.empty();
        }
        if (value instanceof Map || value instanceof Collection) {
            throw wrong(key, "a text");
        }
        return Optional.of(value.toString());
    }

    /** A list of texts, or one text for a list of one. */
    List<String> texts(String key) throws BadPackageException {
        if (!(values.get(key) instanceof Collection<?> all)) {
            return text(key).map(List::of).orElse(List.of());
        }
        List<String> texts = new ArrayList<>();
        for (Object each : all) {
            if (each == null || each instanceof Map || each instanceof Collection) {
                throw wrong(key, "a list of texts");
            }
            texts.add(each.toString());
        }
        return texts;
    }

    /** Words that are separated by white space, or a list of texts. */
    List<String> words(String key) throws BadPackageException {
        if (values.get(key) instanceof Collection) {
            return texts(key);
        }
        String text = text(key).orElse("").strip();
        return text.isEmpty() ? List.of() : List.of(text.split("\\s+"));
    }

    /** A finite number above 0. */
    Optional<Double> positiveNumber(String key) throws BadPackageException {
        if (!has(key)) {
            return Optional.empty();
        }
        if (values.get(key) instanceof Number number
                && number.doubleValue() > 0
                && Double.isFinite(number.doubleValue())) {
            return Optional.of(number.doubleValue());
        }
        throw wrong(key, "a number above 0");
    }

    /** A whole number from 1 to {@code max}. */
    Optional<Long> count(String key, long max) throws BadPackageException {
        if (!has(key)) {
            return Optional.empty();
        }
        Object value = values.get(key);
        if (value instanceof Integer || value instanceof Long || value instanceof BigInteger) {
            BigInteger number = new BigInteger(value.toString());
            if (number.signum() > 0 && number.compareTo(BigInteger.valueOf(max)) <= 0) {
                return Optional.of(number.longValue());
            }
        }
        throw wrong(key, "a whole number from 1 to " + max);
    }

    /** The map below a key; an empty one when there is none. */
    YamlMap map(String key) throws BadPackageException {
        Object value = values.get(key);
        if (value == null) {
            return empty(file);
        }
        if (value instanceof Map<?, ?> map) {
            return new YamlMap(file, prefix + key + ".", map);
        }
        throw wrong(key, "a map of keys and values");
    }

    boolean isEmpty() {
        return values.isEmpty();
    }

    /** An error about a key's value. */
    BadPackageException wrong(String key, String wanted) {
        return new BadPackageException(
                file, "%s%s must be %s, not %s".formatted(prefix, key, wanted, values.get(key)));
    }
}
