// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;

/**
 * A pseudo-terminal as descriptors 0, 1 and 2: pty(7).
 *
 * @param rows of the window, 1 to 1000
 * @param columns of the window, 1 to 1000
 * @param input typed for the program, then the end of input; at most {@link #MAX_INPUT}
 * @param max bytes of its output to collect, at most {@link Stream#MAX_COLLECTED}
 * @param truncate keep the first {@code max} bytes and let the program go on
 */
public record Terminal(int rows, int columns, Bytes input, ByteSize max, boolean truncate) {
    /** Most bytes to type. */
    public static final ByteSize MAX_INPUT = ByteSize.ofMiB(1);

    private static final int MAX_SIDE = 1000;

    public Terminal {
        Check.range("terminal rows", rows, 1, MAX_SIDE);
        Check.range("terminal columns", columns, 1, MAX_SIDE);
        Check.range("bytes to type", input.length(), 0, MAX_INPUT.bytes());
        Check.range("bytes to collect", max.bytes(), 0, Stream.MAX_COLLECTED.bytes());
    }
}
