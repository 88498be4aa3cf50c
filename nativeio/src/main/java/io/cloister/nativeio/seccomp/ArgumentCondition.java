// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import java.util.Objects;

/**
 * A condition on one argument of a system call; comparisons are unsigned.
 *
 * <p>A filter sees the registers, not what they point to: conditions on pointers can only ask
 * whether they are null.
 *
 * @param argument 0 to 5
 * @param width how much of the register counts
 * @param comparison how the argument is compared
 * @param mask the bits compared; all of the width unless the comparison is EQUAL or NOT_EQUAL
 * @param value what it is compared with, within the mask
 */
public record ArgumentCondition(
        int argument, Width width, Comparison comparison, long mask, long value) {

    private static final int ARGUMENTS = 6;

    /** How much of the 64-bit register the kernel looks at. */
    public enum Width {
        /**
         * The low 32 bits: the kernel takes an {@code int} or {@code unsigned int} and ignores the
         * high half. A filter that compared it would be evaded by setting it.
         */
        INT(0xffff_ffffL),
        /** All 64 bits: the kernel takes a {@code long}, a {@code size_t} or a pointer. */
        LONG(-1L);

        private final long bits;

        Width(long bits) {
            this.bits = bits;
        }

        long bits() {
            return bits;
        }
    }

    /** How the argument, on the left, is compared with the value. */
    public enum Comparison {
        EQUAL,
        NOT_EQUAL,
        LESS,
        LESS_OR_EQUAL,
        GREATER,
        GREATER_OR_EQUAL
    }

    public ArgumentCondition {
        Objects.requireNonNull(comparison, "comparison");
        if (argument < 0 || argument >= ARGUMENTS) {
            throw new IllegalArgumentException(
                    "a system call has arguments 0 to " + (ARGUMENTS - 1) + ", not " + argument);
        }
        if ((mask & ~width.bits()) != 0) {
            throw new IllegalArgumentException("mask 0x%x does not fit %s".formatted(mask, width));
        }
        if ((value & ~mask) != 0) {
            throw new IllegalArgumentException(
                    "value 0x%x has bits outside the mask 0x%x".formatted(value, mask));
        }
        boolean masked = mask != width.bits();
        if (masked && comparison != Comparison.EQUAL && comparison != Comparison.NOT_EQUAL) {
            throw new IllegalArgumentException("only equality can be masked, not " + comparison);
        }
    }

    /** An argument that the kernel takes as {@code int}: conditions see its low 32 bits. */
    public static Argument int32(int argument) {
        return new Argument(argument, Width.INT);
    }

    /** An argument of which the kernel takes all 64 bits. */
    public static Argument int64(int argument) {
        return new Argument(argument, Width.LONG);
    }

    /** The start of a condition: {@code int32(0).equalTo(AF_UNIX)}. */
    public record Argument(int index, Width width) {

        public ArgumentCondition equalTo(long value) {
            return unmasked(Comparison.EQUAL, value);
        }

        public ArgumentCondition notEqualTo(long value) {
            return unmasked(Comparison.NOT_EQUAL, value);
        }

        public ArgumentCondition lessThan(long value) {
            return unmasked(Comparison.LESS, value);
        }

        public ArgumentCondition atMost(long value) {
            return unmasked(Comparison.LESS_OR_EQUAL, value);
        }

        public ArgumentCondition greaterThan(long value) {
            return unmasked(Comparison.GREATER, value);
        }

        public ArgumentCondition atLeast(long value) {
            return unmasked(Comparison.GREATER_OR_EQUAL, value);
        }

        /** The bits of {@code mask} have exactly the value. */
        public ArgumentCondition maskedEqualTo(long mask, long value) {
            return new ArgumentCondition(
                    index, width, Comparison.EQUAL, narrow(mask), narrow(value));
        }

        /** At least one bit of {@code mask} is set. */
        public ArgumentCondition hasAnyOf(long mask) {
            return new ArgumentCondition(index, width, Comparison.NOT_EQUAL, narrow(mask), 0);
        }

        private ArgumentCondition unmasked(Comparison comparison, long value) {
            return new ArgumentCondition(index, width, comparison, width.bits(), narrow(value));
        }

        /** Lets C's negative and unsigned ints be written as either, and refuses the rest. */
        private long narrow(long value) {
            boolean fits = value >= Integer.MIN_VALUE && value <= Width.INT.bits();
            if (width == Width.INT && !fits) {
                throw new IllegalArgumentException(
                        "0x%x does not fit the 32 bits of argument %d".formatted(value, index));
            }
            return value & width.bits();
        }
    }
}
