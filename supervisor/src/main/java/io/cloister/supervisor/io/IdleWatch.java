// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import io.cloister.protocol.message.Standstill;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Tells whether programs that are joined by pipes wait for each other for ever: all of them wait,
 * one at least in a pipe, none has run since the last look, and the worker has nothing to pass on.
 * How programs are looked at is said by {@link ThreadLook}. Not thread-safe.
 */
public final class IdleWatch {
    private final List<Flow> flows;
    private Map<Integer, Optional<Standstill>> last = Map.of();

    /**
     * Watches a group of programs.
     *
     * @param flows what the worker passes on for them
     */
    public IdleWatch(List<? extends Flow> flows) {
        this.flows = List.copyOf(flows);
    }

    /**
     * Takes note of a look at all programs that have not ended, which was begun after the one
     * before it was over.
     *
     * @param programs what was seen of each, by its number in the group
     * @return true when they wait for each other, and have done so since the last look; the first
     *     look is never enough
     */
    public boolean isIdle(Map<Integer, Optional<Standstill>> programs) {
        boolean waiting =
                programs.values().stream().allMatch(Optional::isPresent)
                        && programs.values().stream().anyMatch(seen -> seen.get().inPipe())
                        && atRest();
        boolean idle = waiting && programs.equals(last);
        last = waiting ? Map.copyOf(programs) : Map.of();
        return idle;
    }

    private boolean atRest() {
        try {
            for (Flow flow : flows) {
                if (!flow.atRest()) {
                    return false;
                }
            }
            return true;
        } catch (IOException e) {
            return false; // it has ended
        }
    }
}
