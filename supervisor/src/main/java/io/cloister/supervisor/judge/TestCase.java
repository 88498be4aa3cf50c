// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * One input and its answer. A long input is generated, so that it need not be stored.
 *
 * @param input as it is given to the program; absent when it is generated
 * @param generate how to make it; absent when it is given
 */
public record TestCase(
        String name, Optional<String> input, Optional<Generator> generate, String answer) {
    public TestCase {
        if (input.isPresent() == generate.isPresent()) {
            throw new IllegalArgumentException("case " + name + ": give either input or generate");
        }
    }

    /** The bytes for the program's standard input. */
    public byte[] bytes() {
        return input.orElseGet(() -> generate.orElseThrow().text())
                .getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Pseudo-random numbers from -2^30 to 2^30, one a line, after their count.
     *
     * @param seed of a linear congruential generator with Knuth's MMIX constants
     */
    public record Generator(int count, long seed) {
        private static final long MULTIPLIER = 6364136223846793005L;
        private static final long INCREMENT = 1442695040888963407L;

        String text() {
            StringBuilder text = new StringBuilder(count * 11 + 16).append(count).append('\n');
            long state = seed;
            for (int i = 0; i < count; i++) {
                state = state * MULTIPLIER + INCREMENT;
                text.append((state >>> 33) - (1L << 30)).append('\n');
            }
            return text.toString();
        }
    }
}
