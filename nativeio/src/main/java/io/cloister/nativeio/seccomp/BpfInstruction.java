// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import java.nio.ByteBuffer;

/**
 * One {@code struct sock_filter} (linux/filter.h).
 *
 * <pre>
 *   0       2    3    4         8
 *   +-------+----+----+---------+
 *   | code  | jt | jf |    k    |   little-endian, as both architectures are
 *   +-------+----+----+---------+
 * </pre>
 *
 * @param code operation, unsigned 16 bits
 * @param whenTrue instructions to skip when the condition holds, 0 to 255
 * @param whenFalse instructions to skip when it does not, 0 to 255
 * @param operand constant, offset or distance
 * @param comment for the listing
 */
record BpfInstruction(int code, int whenTrue, int whenFalse, int operand, String comment) {

    static final int BYTES = 8;
    static final int MAX_SKIP = 255;

    BpfInstruction {
        if (whenTrue < 0 || whenTrue > MAX_SKIP || whenFalse < 0 || whenFalse > MAX_SKIP) {
            throw new IllegalArgumentException(
                    "a conditional jump skips 0 to %d instructions, not %d and %d"
                            .formatted(MAX_SKIP, whenTrue, whenFalse));
        }
    }

    void writeTo(ByteBuffer buffer) {
        buffer.putShort((short) code);
        buffer.put((byte) whenTrue);
        buffer.put((byte) whenFalse);
        buffer.putInt(operand);
    }
}
