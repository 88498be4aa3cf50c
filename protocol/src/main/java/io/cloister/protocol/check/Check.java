// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.check;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Supplier;

/** The checks that the constructors of this protocol share; each throws {@link InvalidRequest}. */
public final class Check {
    /**
     * Longest path in bytes without its final NUL: PATH_MAX of {@code <linux/limits.h>} less one.
     */
    public static final int MAX_PATH_BYTES = 4095;

    /** Longest component of a path in bytes: NAME_MAX of {@code <linux/limits.h>}. */
    public static final int MAX_NAME_BYTES = 255;

    /** Largest user or group id inside a container, whose maps cover 0 to 65535. */
    public static final int MAX_CONTAINER_ID = 65_535;

    private static final int EXCERPT = 80;
    private static final Duration LONGEST_MEASURED = Duration.ofDays(36_500);

    private Check() {}

    /** Refuses the value unless {@code good}. */
    public static void that(boolean good, String message) {
        if (!good) {
            throw new InvalidRequest(message);
        }
    }

    /** As {@link #that(boolean, String)}, with a message that is put together when it is needed. */
    public static void that(boolean good, Supplier<String> message) {
        if (!good) {
            throw new InvalidRequest(message.get());
        }
    }

    /** Text without NUL bytes or lone surrogates, at most {@code maxBytes} long in UTF-8. */
    public static String text(String what, String value, int maxBytes) {
        Objects.requireNonNull(value, what);
        long bytes = utf8Length(what, value);
        if (bytes > maxBytes) {
            throw new InvalidRequest(
                    "%s is %d bytes long, at most %d are possible: shorten it"
                            .formatted(what, bytes, maxBytes));
        }
        return value;
    }

    /** As {@link #text}, but not empty. */
    public static String filledText(String what, String value, int maxBytes) {
        text(what, value, maxBytes);
        if (value.isEmpty()) {
            throw new InvalidRequest(what + " is empty: give at least one character");
        }
        return value;
    }

    /**
     * An absolute path without {@code .}, {@code ..} or empty components and without a slash at its
     * end, so that two equal places are two equal strings and no path climbs out of its root.
     */
    public static String absolutePath(String what, String path) {
        filledText(what, path, MAX_PATH_BYTES);
        if (path.charAt(0) != '/') {
            throw new InvalidRequest(
                    "%s %s is relative: give an absolute path".formatted(what, quoted(path)));
        }
        if (path.length() > 1) {
            components(what, path, 1);
        }
        return path;
    }

    /** As {@link #absolutePath}, but not the root directory itself. */
    public static String absolutePathBelowRoot(String what, String path) {
        absolutePath(what, path);
        if (path.length() == 1) {
            throw new InvalidRequest(what + " is the root directory itself: name a place below it");
        }
        return path;
    }

    /**
     * A path to something inside a container: absolute, or relative to the work directory; never
     * the root itself, and without {@code .}, {@code ..} or empty components.
     */
    public static String pathInside(String what, String path) {
        filledText(what, path, MAX_PATH_BYTES);
        if (path.charAt(0) == '/') {
            return absolutePathBelowRoot(what, path);
        }
        components(what, path, 0);
        return path;
    }

    /** A copy of the list, of at most {@code max} elements. */
    public static <T> List<T> list(String what, List<T> values, int max) {
        if (values.size() > max) {
            throw new InvalidRequest(
                    "%d %s, at most %d are possible: split or shorten the list"
                            .formatted(values.size(), what, max));
        }
        return List.copyOf(values);
    }

    /**
     * A copy of the map, of at most {@code max} entries, in the order of the keys: equal values are
     * written as equal bytes.
     */
    public static <K extends Comparable<K>, V> Map<K, V> map(
            String what, Map<K, V> values, int max) {
        if (values.size() > max) {
            throw new InvalidRequest(
                    "%d %s, at most %d are possible: leave some out"
                            .formatted(values.size(), what, max));
        }
        return Collections.unmodifiableMap(new TreeMap<>(Map.copyOf(values)));
    }

    /** A number between two bounds, both included. */
    public static long range(String what, long value, long min, long max) {
        if (value < min || value > max) {
            throw new InvalidRequest(
                    "%s is %d, possible are %d to %d: choose one within"
                            .formatted(what, value, min, max));
        }
        return value;
    }

    /** A length of time between two bounds, both included. */
    public static Duration duration(String what, Duration value, Duration min, Duration max) {
        if (value.compareTo(min) < 0 || value.compareTo(max) > 0) {
            throw new InvalidRequest(
                    "%s is %s, possible are %s to %s: choose one within"
                            .formatted(what, value, min, max));
        }
        return value;
    }

    /** A length of time that was measured: not negative, and not beyond a century. */
    public static Duration measured(String what, Duration value) {
        return duration(what, value, Duration.ZERO, LONGEST_MEASURED);
    }

    /** Permission bits, at most 07777. */
    public static int mode(String what, int mode) {
        if (mode < 0 || mode > 07777) {
            throw new InvalidRequest(
                    "%s is 0%o, possible are 0 to 07777: give permission bits only"
                            .formatted(what, mode));
        }
        return mode;
    }

    /** Entries of the form {@code NAME=value}. */
    public static List<String> environment(String what, List<String> entries, int max) {
        List<String> copy = list(what, entries, max);
        for (String entry : copy) {
            text("an entry of the " + what, entry, Integer.MAX_VALUE);
            if (entry.indexOf('=') <= 0) {
                throw new InvalidRequest(
                        "%s entry %s has no name: write it as NAME=value"
                                .formatted(what, quoted(entry)));
            }
        }
        return copy;
    }

    /** Length in UTF-8 without allocating; NUL bytes and lone surrogates are refused. */
    public static long utf8Length(String what, String value) {
        long bytes = 0;
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == 0) {
                throw new InvalidRequest(
                        "%s holds a NUL character at index %d: the kernel would cut it there,"
                                        .formatted(what, i)
                                + " take it out");
            } else if (c < 0x80) {
                bytes += 1;
            } else if (c < 0x800) {
                bytes += 2;
            } else if (!Character.isSurrogate(c)) {
                bytes += 3;
            } else if (Character.isHighSurrogate(c)
                    && i + 1 < value.length()
                    && Character.isLowSurrogate(value.charAt(i + 1))) {
                bytes += 4;
                i++;
            } else {
                throw new InvalidRequest(
                        "%s holds half a surrogate pair at index %d: it has no UTF-8 form,"
                                        .formatted(what, i)
                                + " take it out");
            }
        }
        return bytes;
    }

    /** The value in quotes for a message: shortened, with control characters made visible. */
    public static String quoted(String value) {
        StringBuilder text = new StringBuilder("\"");
        int shown = 0;
        for (int i = 0; i < value.length() && shown < EXCERPT; shown++) {
            int c = value.codePointAt(i);
            i += Character.charCount(c);
            if (Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE) {
                text.append(String.format(Locale.ROOT, "\\u%04x", c));
            } else {
                text.appendCodePoint(c);
            }
        }
        if (value.codePointCount(0, value.length()) > shown) {
            text.append('…');
        }
        return text.append('"').toString();
    }

    private static void components(String what, String path, int from) {
        for (int start = from; start <= path.length(); ) {
            int slash = path.indexOf('/', start);
            int end = slash < 0 ? path.length() : slash;
            String name = path.substring(start, end);
            if (name.isEmpty() || name.equals(".") || name.equals("..")) {
                throw new InvalidRequest(
                        "%s %s has an empty, . or .. component: write the path without it"
                                .formatted(what, quoted(path)));
            }
            text("a component of " + what, name, MAX_NAME_BYTES);
            start = end + 1;
        }
    }
}
