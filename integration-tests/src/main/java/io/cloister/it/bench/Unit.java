// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import java.util.Locale;

/** What a row's result counts. */
enum Unit {
    TIMES("×", 2),
    MICROSECONDS("µs", 0),
    KIBIBYTES("KiB", 0),
    PER_SECOND("/s", 0);

    private final String symbol;
    private final int decimals;

    Unit(String symbol, int decimals) {
        this.symbol = symbol;
        this.decimals = decimals;
    }

    String format(double value) {
        return String.format(Locale.ROOT, "%." + decimals + "f %s", value, symbol);
    }

    /** Without needless zeros, as a person would write a limit. */
    String formatLimit(double limit) {
        return limit == Math.rint(limit)
                ? String.format(Locale.ROOT, "%.0f %s", limit, symbol)
                : String.format(Locale.ROOT, "%s %s", limit, symbol);
    }
}
