// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.json;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.check.InvalidRequest;
import java.math.BigDecimal;
import java.util.regex.Pattern;

/** A rate of CPU time as people write it: a number of cores, {@code 0.5}. */
public final class Cores {
    private static final Pattern TEXT = Pattern.compile("\\d{1,4}(\\.\\d{1,3})?");
    private static final int DECIMALS = 3;

    private Cores() {}

    /**
     * Thousandths of a core.
     *
     * @throws InvalidRequest if the text is no number with at most three decimals
     */
    public static int thousandths(String text) {
        if (!TEXT.matcher(text).matches()) {
            throw new InvalidRequest(
                    "CPU rate %s is not understood: write cores with at most three decimals, for"
                                    .formatted(Check.quoted(text))
                            + " example 0.5");
        }
        return new BigDecimal(text).movePointRight(DECIMALS).intValueExact();
    }
}
