// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/**
 * How long runs waited that were assigned in the last minute: of the latest {@value #KEPT} at most,
 * so that to take note of one costs next to nothing and to look costs a short sort.
 */
final class Latencies {
    static final int KEPT = 4096;

    private static final long WINDOW = Duration.ofMinutes(1).toNanos();

    private final long[] at = new long[KEPT];
    private final long[] waited = new long[KEPT];
    private long count;

    /**
     * A run was assigned.
     *
     * @param now of {@link System#nanoTime}
     * @param nanos that it waited
     */
    void add(long now, long nanos) {
        int index = (int) (count++ % KEPT);
        at[index] = now;
        waited[index] = nanos;
    }

    /** The median and the 99th percentile; nothing when no run was assigned. */
    Optional<ClusterView.Latency> look(long now) {
        int kept = (int) Math.min(count, KEPT);
        long[] sorted = new long[kept];
        int recent = 0;
        for (int i = 0; i < kept; i++) {
            if (now - at[i] < WINDOW) {
                sorted[recent++] = waited[i];
            }
        }
        if (recent == 0) {
            return Optional.empty();
        }
        Arrays.sort(sorted, 0, recent);
        return Optional.of(
                new ClusterView.Latency(
                        Duration.ofNanos(percentile(sorted, recent, 50)),
                        Duration.ofNanos(percentile(sorted, recent, 99))));
    }

    /** By nearest rank. */
    private static long percentile(long[] sorted, int count, int percent) {
        return sorted[(count * percent + 99) / 100 - 1];
    }
}
