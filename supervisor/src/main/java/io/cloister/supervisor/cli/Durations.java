// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.unit.DurationText;
import java.time.Duration;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Durations as people write and read them: {@code 500ms}, {@code 1.5s}, {@code 2m}. */
public final class Durations implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String text) {
        try {
            return DurationText.parse(text);
        } catch (InvalidRequest e) {
            throw new TypeConversionException(String.valueOf(e.getMessage()));
        }
    }

    /** For a table: {@code 0.8 ms}, {@code 312 ms}, {@code 2.01 s}. */
    public static String format(Duration time) {
        double millis = time.toNanos() / 1e6;
        if (millis >= 999.5) {
            return String.format(Locale.ROOT, "%.2f s", millis / 1000);
        }
        return String.format(Locale.ROOT, millis >= 9.95 ? "%.0f ms" : "%.1f ms", millis);
    }
}
