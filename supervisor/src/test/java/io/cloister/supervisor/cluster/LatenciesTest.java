// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class LatenciesTest {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    /** As {@link System#nanoTime} may be. */
    private static final long NOW = Long.MAX_VALUE - 3 * SECOND;

    private final Latencies latencies = new Latencies();

    @Test
    void shouldHaveNoneBeforeTheFirstRun() {
        assertThat(latencies.look(NOW)).isEmpty();
    }

    @Test
    void shouldTellMedianAndPercentile() {
        for (int i = 200; i >= 1; i--) {
            latencies.add(NOW, i);
        }

        assertThat(latencies.look(NOW))
                .contains(new ClusterView.Latency(Duration.ofNanos(100), Duration.ofNanos(198)));
    }

    @Test
    void shouldForgetWhatIsOlderThanAMinute() {
        latencies.add(NOW, 1000);
        latencies.add(NOW + 30 * SECOND, 7); // beyond the largest number

        assertThat(latencies.look(NOW + 70 * SECOND))
                .contains(new ClusterView.Latency(Duration.ofNanos(7), Duration.ofNanos(7)));
        assertThat(latencies.look(NOW + 90 * SECOND)).isEmpty();
    }

    @Test
    void shouldKeepTheLatestOnes() {
        for (int i = 0; i < 2 * Latencies.KEPT; i++) {
            latencies.add(NOW, i < Latencies.KEPT ? 5 : 9);
        }

        assertThat(latencies.look(NOW))
                .contains(new ClusterView.Latency(Duration.ofNanos(9), Duration.ofNanos(9)));
    }
}
