// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.testkit;

import org.junit.jupiter.api.Assumptions;

/** Tests that cannot run here end as skipped, and say why where everybody sees it. */
public final class Skip {
    private Skip() {}

    /** Skips the running test if the condition holds. */
    public static void when(boolean condition, String reason) {
        if (condition) {
            System.out.println("skipped: " + reason);
        }
        Assumptions.assumeFalse(condition, reason);
    }
}
