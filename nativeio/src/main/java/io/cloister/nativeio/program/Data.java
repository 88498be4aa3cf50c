// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.program;

import org.jspecify.annotations.Nullable;

/**
 * A piece of a program's data area, at its final address in init's memory.
 *
 * @param at the address
 * @param size in bytes
 * @param text what a listing shows, or null
 */
public record Data(long at, int size, @Nullable String text) {

    /** Its address as an argument. */
    public Arg address() {
        return new Arg(at, false, text);
    }

    /** The address of a part of it as an argument. */
    public Arg address(int offset) {
        return Arg.of(at + offset);
    }

    /** The 64-bit word in it at {@code offset} when the instruction runs. */
    public Arg word(int offset) {
        return new Arg(at + offset, true, null);
    }
}
