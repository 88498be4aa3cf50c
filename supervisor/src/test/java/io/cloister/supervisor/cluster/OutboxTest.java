// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Times are in nanoseconds. */
class OutboxTest {
    private static final long SOON = 1_000_000;
    private static final long LATER = 3_000_000;

    private final Outbox<String> outbox = new Outbox<>(Outbox.Patience.USUAL);

    @Test
    void shouldHoldBackWhatFollowsClosely() {
        outbox.count(8, 2);

        assertThat(outbox.add("1", 0)).isTrue();
        assertThat(outbox.take()).containsExactly("1");
        assertThat(outbox.add("2", SOON)).isFalse();
        assertThat(outbox.add("3", SOON + SOON)).isFalse();
        assertThat(outbox.take()).containsExactly("2", "3");
        assertThat(outbox.take()).isEmpty();
    }

    @Test
    void shouldNotHoldBackWhatComesSeldom() {
        outbox.count(8, 2);
        outbox.add("1", 0);
        outbox.add("2", SOON);

        assertThat(outbox.add("3", SOON + LATER)).isTrue();
    }

    @Test
    void shouldHoldNothingBackWhenNoMoreRunsWaitThanRun() {
        outbox.count(3, 2);
        outbox.add("1", 0);
        outbox.take();
        assertThat(outbox.add("2", SOON)).isFalse();
        outbox.count(-1, 0);

        assertThat(outbox.add("3", SOON + SOON)).isTrue();
        assertThat(outbox.take()).containsExactly("2", "3");
    }

    @Test
    void shouldHoldBackAFewOnly() {
        outbox.count(1000, 2);
        outbox.add("first", 0);
        outbox.take();
        int heldBack = 1;
        while (!outbox.add("another", 0)) {
            heldBack++;
        }

        assertThat(outbox.take()).hasSize(heldBack).hasSizeLessThanOrEqualTo(16);
    }

    @Test
    void shouldHoldBackAtATimeOfAnySign() {
        outbox.count(8, 2);
        long now = Long.MAX_VALUE - 1;
        assertThat(outbox.add("1", now)).isTrue();

        assertThat(outbox.add("2", now + SOON)).isFalse();
    }
}
