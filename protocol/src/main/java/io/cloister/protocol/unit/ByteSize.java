// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.unit;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.check.InvalidRequest;
import java.util.Locale;

/**
 * A number of bytes, zero or more.
 *
 * <p>{@link #toString} is exact and read back by {@link #parse}: the largest binary unit that
 * leaves no remainder, for example {@code 64MiB}, {@code 1000B}.
 */
public record ByteSize(long bytes) implements Comparable<ByteSize> {
    public static final ByteSize ZERO = new ByteSize(0);

    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    private static final int STEP = 10;
    private static final int MAX_TEXT = 32;

    public ByteSize {
        Check.range("size in bytes", bytes, 0, Long.MAX_VALUE);
    }

    public static ByteSize ofBytes(long bytes) {
        return new ByteSize(bytes);
    }

    public static ByteSize ofKiB(long count) {
        return of(count, 1);
    }

    public static ByteSize ofMiB(long count) {
        return of(count, 2);
    }

    public static ByteSize ofGiB(long count) {
        return of(count, 3);
    }

    /**
     * Reads {@code 512}, {@code 512B}, {@code 64MiB}, {@code 1 GiB}; units B, KiB, MiB, GiB, TiB,
     * PiB and EiB, in either case.
     *
     * @throws InvalidRequest if the text is anything else, or the size is beyond 2^63 - 1 bytes
     */
    public static ByteSize parse(String text) {
        Check.text("size", text, MAX_TEXT);
        String trimmed = text.strip();
        int digits = 0;
        while (digits < trimmed.length()
                && trimmed.charAt(digits) >= '0'
                && trimmed.charAt(digits) <= '9') {
            digits++;
        }
        String unit = trimmed.substring(digits).strip().toLowerCase(Locale.ROOT);
        for (int power = 0; power < UNITS.length && digits > 0; power++) {
            if (unit.equals(UNITS[power].toLowerCase(Locale.ROOT))
                    || (power == 0 && unit.isEmpty())) {
                try {
                    return of(Long.parseLong(trimmed.substring(0, digits)), power);
                } catch (NumberFormatException tooLong) {
                    throw new InvalidRequest(
                            "size " + Check.quoted(text) + " is beyond 2^63 - 1 bytes: lower it");
                }
            }
        }
        throw new InvalidRequest(
                "size "
                        + Check.quoted(text)
                        + " is not understood: write a whole number and one of B, KiB, MiB, GiB,"
                        + " TiB, PiB, EiB, for example 64MiB");
    }

    @Override
    public int compareTo(ByteSize other) {
        return Long.compare(bytes, other.bytes);
    }

    @Override
    public String toString() {
        int power = bytes == 0 ? 0 : Long.numberOfTrailingZeros(bytes) / STEP;
        return (bytes >> (STEP * power)) + UNITS[power];
    }

    private static ByteSize of(long count, int power) {
        Check.range("size in " + UNITS[power], count, 0, Long.MAX_VALUE >> (STEP * power));
        return new ByteSize(count << (STEP * power));
    }
}
