// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.awaitility.core.ThrowingRunnable;

/** Waits for what must become true, with a deadline. */
public final class Waiting {
    /** Far beyond what anything here takes: reaching it means that it never happens. */
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private Waiting() {}

    public static void until(ThrowingRunnable assertion) {
        within(LIMIT, assertion);
    }

    public static void within(Duration limit, ThrowingRunnable assertion) {
        Awaitility.await()
                .pollInSameThread()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(10))
                .atMost(limit)
                .untilAsserted(assertion);
    }
}
