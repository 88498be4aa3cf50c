// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import java.util.Objects;

/** A limit that was in force, and what enforced it. */
public record Enforced(Limit limit, Mechanism by) {
    /** Most entries of a run: a limit may have a second mechanism behind the first. */
    public static final int MAX = 2 * Limit.values().length;

    public Enforced {
        Objects.requireNonNull(limit, "limit");
        Objects.requireNonNull(by, "by");
    }
}
