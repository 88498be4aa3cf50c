// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Compares what a program wrote with the answer, word by word: the default output validator of the
 * problem package format. Outputs are bytes, not text, in whatever encoding. Takes time in
 * proportion to their lengths, and memory for one number.
 *
 * @param caseSensitive whether A and a differ; other letters than those of ASCII always do
 * @param spaceChangeSensitive whether white space must be the same, byte by byte; otherwise only
 *     words count
 * @param absoluteTolerance that a number may be off; absent when numbers are words as others are
 * @param relativeTolerance that it may be off, as a part of the answer; either will do
 */
public record DefaultValidator(
        boolean caseSensitive,
        boolean spaceChangeSensitive,
        OptionalDouble absoluteTolerance,
        OptionalDouble relativeTolerance) {
    /** Longer words are no numbers; the format asks for 30 digits on either side of the point. */
    private static final int MAX_NUMBER = 1000;

    private static final int EXCERPT = 40;

    public DefaultValidator {
        check(absoluteTolerance);
        check(relativeTolerance);
    }

    private static void check(OptionalDouble tolerance) {
        if (tolerance.isPresent()
                && !(tolerance.getAsDouble() >= 0 && Double.isFinite(tolerance.getAsDouble()))) {
            throw new IllegalArgumentException("a tolerance must be a finite number, 0 or more");
        }
    }

    /** Words must be the same, byte by byte; white space only separates them. */
    public static DefaultValidator words() {
        return new DefaultValidator(true, false, OptionalDouble.empty(), OptionalDouble.empty());
    }

    /**
     * Reads the arguments of the format's default validator.
     *
     * @throws IllegalArgumentException naming one that is unknown, incomplete or given twice
     */
    public static DefaultValidator parse(List<String> arguments) {
        boolean caseSensitive = false;
        boolean spaceChangeSensitive = false;
        OptionalDouble absolute = OptionalDouble.empty();
        OptionalDouble relative = OptionalDouble.empty();
        for (Iterator<String> rest = arguments.iterator(); rest.hasNext(); ) {
            String argument = rest.next();
            switch (argument) {
                case "case_sensitive" -> caseSensitive = true;
                case "space_change_sensitive" -> spaceChangeSensitive = true;
                case "float_absolute_tolerance" -> absolute = tolerance(argument, absolute, rest);
                case "float_relative_tolerance" -> relative = tolerance(argument, relative, rest);
                case "float_tolerance" -> {
                    noneBefore(argument, relative);
                    absolute = tolerance(argument, absolute, rest);
                    relative = absolute;
                }
                default ->
                        throw new IllegalArgumentException(
                                "the default validator has no argument '%s': use case_sensitive,"
                                                .formatted(argument)
                                        + " space_change_sensitive, float_tolerance E,"
                                        + " float_absolute_tolerance E, float_relative_tolerance E");
            }
        }
        return new DefaultValidator(caseSensitive, spaceChangeSensitive, absolute, relative);
    }

    private static void noneBefore(String argument, OptionalDouble tolerance) {
        if (tolerance.isPresent()) {
            throw new IllegalArgumentException(
                    "'%s' comes on top of another tolerance of its kind: keep one"
                            .formatted(argument));
        }
    }

    private static OptionalDouble tolerance(
            String argument, OptionalDouble before, Iterator<String> rest) {
        noneBefore(argument, before);
        String text = rest.hasNext() ? rest.next() : "";
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        OptionalDouble value = number(bytes, 0, bytes.limit());
        if (value.isEmpty() || value.getAsDouble() < 0) {
            throw new IllegalArgumentException(
                    "'%s' wants a number, 0 or more, after it, not '%s'".formatted(argument, text));
        }
        return value;
    }

    /** Whether there is no {@link #difference}. */
    public boolean accepts(ByteBuffer answer, ByteBuffer output) {
        return difference(answer, output).isEmpty();
    }

    /**
     * Where the output first differs from the answer, in a few printable words for the judges: they
     * quote both. Empty when the output is right. Neither buffer's position is changed.
     */
    public Optional<String> difference(ByteBuffer answer, ByteBuffer output) {
        ByteBuffer a = answer.slice();
        ByteBuffer o = output.slice();
        int aStart = 0;
        int oStart = 0;
        while (true) {
            int aWord = endOfSpace(a, aStart);
            int oWord = endOfSpace(o, oStart);
            if (spaceChangeSensitive && !same(a, aStart, aWord, o, oStart, oWord, true)) {
                return Optional.of(line(o, oStart) + "the white space differs");
            }
            int aEnd = endOfWord(a, aWord);
            int oEnd = endOfWord(o, oWord);
            if (aWord == aEnd && oWord == oEnd) {
                return Optional.empty();
            }
            if (!sameWord(a, aWord, aEnd, o, oWord, oEnd)) {
                return Optional.of(
                        "%sexpected %s, got %s"
                                .formatted(
                                        line(o, oWord),
                                        excerpt(a, aWord, aEnd),
                                        excerpt(o, oWord, oEnd)));
            }
            aStart = aEnd;
            oStart = oEnd;
        }
    }

    private boolean sameWord(ByteBuffer a, int aFrom, int aTo, ByteBuffer o, int oFrom, int oTo) {
        if (aFrom == aTo || oFrom == oTo) {
            return false; // one of them has ended
        }
        if (absoluteTolerance.isPresent() || relativeTolerance.isPresent()) {
            OptionalDouble expected = number(a, aFrom, aTo);
            if (expected.isPresent()) {
                OptionalDouble got = number(o, oFrom, oTo);
                return got.isPresent() && isNear(expected.getAsDouble(), got.getAsDouble());
            }
        }
        return same(a, aFrom, aTo, o, oFrom, oTo, caseSensitive);
    }

    private boolean isNear(double expected, double got) {
        double off = Math.abs(expected - got);
        return off <= absoluteTolerance.orElse(-1)
                || (relativeTolerance.isPresent()
                        && off <= relativeTolerance.getAsDouble() * Math.abs(expected));
    }

    private static boolean same(
            ByteBuffer a, int aFrom, int aTo, ByteBuffer o, int oFrom, int oTo, boolean exactly) {
        if (aTo - aFrom != oTo - oFrom) {
            return false;
        }
        for (int i = 0; i < aTo - aFrom; i++) {
            byte left = a.get(aFrom + i);
            byte right = o.get(oFrom + i);
            if (left != right && (exactly || lower(left) != lower(right))) {
                return false;
            }
        }
        return true;
    }

    private static int lower(byte b) {
        return b >= 'A' && b <= 'Z' ? b + ('a' - 'A') : b;
    }

    private static int endOfSpace(ByteBuffer bytes, int from) {
        int at = from;
        while (at < bytes.limit() && isSpace(bytes.get(at))) {
            at++;
        }
        return at;
    }

    private static int endOfWord(ByteBuffer bytes, int from) {
        int at = from;
        while (at < bytes.limit() && !isSpace(bytes.get(at))) {
            at++;
        }
        return at;
    }

    /** As isspace(3) in the C locale. */
    private static boolean isSpace(byte b) {
        return b == ' ' || (b >= '\t' && b <= '\r');
    }

    // ---- numbers ----------------------------------------------------------------------------

    /** A decimal number as the format defines it: no hexadecimal, no infinity, no suffixes. */
    private static OptionalDouble number(ByteBuffer bytes, int from, int to) {
        if (to - from > MAX_NUMBER) {
            return OptionalDouble.empty();
        }
        int at = isSign(bytes, from, to) ? from + 1 : from;
        int whole = endOfDigits(bytes, at, to);
        int digits = whole - at;
        at = whole;
        if (at < to && bytes.get(at) == '.') {
            int fraction = endOfDigits(bytes, at + 1, to);
            digits += fraction - at - 1;
            at = fraction;
        }
        if (digits == 0) {
            return OptionalDouble.empty();
        }
        if (at < to && lower(bytes.get(at)) == 'e') {
            int exponent = isSign(bytes, at + 1, to) ? at + 2 : at + 1;
            at = endOfDigits(bytes, exponent, to);
            if (at == exponent) {
                return OptionalDouble.empty();
            }
        }
        if (at != to) {
            return OptionalDouble.empty();
        }
        byte[] text = new byte[to - from];
        bytes.get(from, text);
        double value = Double.parseDouble(new String(text, StandardCharsets.US_ASCII));
        return Double.isFinite(value) ? OptionalDouble.of(value) : OptionalDouble.empty();
    }

    private static boolean isSign(ByteBuffer bytes, int at, int to) {
        return at < to && (bytes.get(at) == '+' || bytes.get(at) == '-');
    }

    private static int endOfDigits(ByteBuffer bytes, int from, int to) {
        int at = from;
        while (at < to && bytes.get(at) >= '0' && bytes.get(at) <= '9') {
            at++;
        }
        return at;
    }

    // ---- words for people -------------------------------------------------------------------

    private static String line(ByteBuffer output, int at) {
        int line = 1;
        for (int i = 0; i < at; i++) {
            if (output.get(i) == '\n') {
                line++;
            }
        }
        return "line " + line + ": ";
    }

    private static String excerpt(ByteBuffer bytes, int from, int to) {
        if (from == to) {
            return "nothing";
        }
        StringBuilder text = new StringBuilder();
        for (int i = from; i < Math.min(to, from + EXCERPT); i++) {
            byte b = bytes.get(i);
            text.append(b > ' ' && b < 0x7f ? (char) b : '?');
        }
        return "'" + text + (to - from > EXCERPT ? "…'" : "'");
    }
}
