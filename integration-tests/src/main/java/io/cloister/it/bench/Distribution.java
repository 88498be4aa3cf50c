// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import java.util.Locale;
import org.HdrHistogram.Histogram;

/**
 * How long something took, over many times; in microseconds.
 *
 * @param count how often it was measured
 */
record Distribution(long count, double p50, double p90, double p99, double max) {
    private static final double NANOS = 1000;

    /** Of a histogram of nanoseconds. */
    static Distribution of(Histogram nanos) {
        return new Distribution(
                nanos.getTotalCount(),
                nanos.getValueAtPercentile(50) / NANOS,
                nanos.getValueAtPercentile(90) / NANOS,
                nanos.getValueAtPercentile(99) / NANOS,
                nanos.getMaxValue() / NANOS);
    }

    /** The three percentiles with one unit: {@code 0.72 / 0.80 / 1.10 ms}. */
    String describe() {
        return p99 >= NANOS
                ? String.format(
                        Locale.ROOT, "%.2f / %.2f / %.2f ms", p50 / NANOS, p90 / NANOS, p99 / NANOS)
                : String.format(Locale.ROOT, "%.0f / %.0f / %.0f µs", p50, p90, p99);
    }
}
