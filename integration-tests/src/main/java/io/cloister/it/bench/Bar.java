// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import java.util.OptionalDouble;

/**
 * What a result must reach.
 *
 * @param limit in the row's unit
 * @param aim what would be good, beyond the limit
 * @param floor whether more is better
 */
record Bar(double limit, OptionalDouble aim, boolean floor) {
    static Bar atMost(double limit) {
        return new Bar(limit, OptionalDouble.empty(), false);
    }

    static Bar atMost(double limit, double aim) {
        return new Bar(limit, OptionalDouble.of(aim), false);
    }

    static Bar atLeast(double limit, double aim) {
        return new Bar(limit, OptionalDouble.of(aim), true);
    }

    boolean isMet(double value) {
        return reaches(value, limit);
    }

    boolean meetsAim(double value) {
        return aim.isPresent() && reaches(value, aim.getAsDouble());
    }

    private boolean reaches(double value, double mark) {
        return floor ? value >= mark : value <= mark;
    }

    String describe(Unit unit) {
        String sign = floor ? "≥ " : "≤ ";
        String text = sign + unit.formatLimit(limit);
        return aim.isPresent() ? text + " (aim " + unit.formatLimit(aim.getAsDouble()) + ")" : text;
    }
}
