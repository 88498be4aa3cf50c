// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import io.cloister.protocol.check.Check;
import io.cloister.supervisor.observe.LogIds;
import io.cloister.supervisor.observe.RunIds;
import java.util.Objects;

/**
 * One attempt at a run.
 *
 * @param attempt counted from 1; each is assigned to one worker
 */
public record Ticket(RunKey key, int attempt) {
    private static final int MAX_ATTEMPT = 1_000_000;

    public Ticket {
        Objects.requireNonNull(key, "key");
        Check.range("attempt", attempt, 1, MAX_ATTEMPT);
    }

    RunIds ids() {
        return new RunIds(key.toString(), attempt);
    }

    LogIds logIds() {
        return LogIds.of(ids());
    }

    @Override
    public String toString() {
        return key + "#" + attempt;
    }
}
