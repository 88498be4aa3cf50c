// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.unit;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.check.InvalidRequest;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as people write them: {@code 500ms}, {@code 1.5s}, {@code 2m}. */
public final class DurationText {
    private static final Pattern TEXT = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,9})?)(us|ms|s|m|h)");
    private static final Map<String, Long> NANOS =
            Map.of(
                    "us", 1_000L,
                    "ms", 1_000_000L,
                    "s", 1_000_000_000L,
                    "m", 60_000_000_000L,
                    "h", 3_600_000_000_000L);
    private static final int MAX_TEXT = 32;

    private DurationText() {}

    /**
     * Reads a number, whole or decimal, and one of us, ms, s, m, h, in either case; rounds to
     * nanoseconds.
     *
     * @throws InvalidRequest if the text is anything else, or the time is beyond 2^63 - 1
     *     nanoseconds
     */
    public static Duration parse(String text) {
        Check.text("duration", text, MAX_TEXT);
        Matcher matcher = TEXT.matcher(text.strip().toLowerCase(Locale.ROOT));
        if (!matcher.matches()) {
            throw new InvalidRequest(
                    "duration %s is not understood: write a number and one of us, ms, s, m, h,"
                                    .formatted(Check.quoted(text))
                            + " for example 1.5s");
        }
        long unit = NANOS.getOrDefault(matcher.group(2), 0L);
        BigDecimal nanos = new BigDecimal(matcher.group(1)).multiply(BigDecimal.valueOf(unit));
        try {
            return Duration.ofNanos(nanos.setScale(0, RoundingMode.HALF_UP).longValueExact());
        } catch (ArithmeticException e) {
            throw new InvalidRequest(
                    "duration %s is beyond 2^63 - 1 nanoseconds: lower it"
                            .formatted(Check.quoted(text)));
        }
    }
}
