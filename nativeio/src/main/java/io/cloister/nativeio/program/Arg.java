// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.program;

import io.cloister.nativeio.libc.Linux;
import org.jspecify.annotations.Nullable;

/**
 * An argument of an instruction.
 *
 * @param value a number or an address in init's memory
 * @param indirect whether {@code value} is the address of the 64-bit word to use, known only when
 *     the program runs: an earlier result, a received descriptor, a word of the message
 * @param text what a listing shows instead, or null
 */
public record Arg(long value, boolean indirect, @Nullable String text) {
    /** The null pointer, or plain zero. */
    public static final Arg ZERO = of(0);

    public static final Arg AT_FDCWD = new Arg(Linux.AT_FDCWD, false, "AT_FDCWD");

    /** A plain number. */
    public static Arg of(long value) {
        return new Arg(value, false, null);
    }

    @Override
    public String toString() {
        if (text != null) {
            return text;
        }
        if (!indirect) {
            return value >= Linux.MESSAGE_AT && value < Linux.MESSAGE_AT + Linux.MESSAGE_MAX
                    ? "&" + (value - Linux.MESSAGE_AT)
                    : value > -10 && value < 10
                            ? Long.toString(value)
                            : "0x" + Long.toHexString(value);
        }
        if (value >= Linux.MESSAGE_AT) {
            return "*" + (value - Linux.MESSAGE_AT);
        }
        return value >= Linux.DESCRIPTORS_AT
                ? "descriptor " + (value - Linux.DESCRIPTORS_AT) / Long.BYTES
                : "result " + ((value - Linux.RESULTS_AT) / Long.BYTES + 1);
    }
}
