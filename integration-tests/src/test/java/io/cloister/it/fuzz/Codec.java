// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.fuzz;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.HexFormat;
import java.util.Optional;

/** What turns bytes into values and back, and what is expected of it whatever the bytes are. */
interface Codec {
    /** The value, or nothing if the bytes are refused as they should be. */
    Optional<Object> read(byte[] bytes) throws Exception;

    byte[] write(Object value) throws Exception;

    /**
     * Reads bytes that may be hostile.
     *
     * @throws Exception for bytes that are neither understood nor refused as they should be
     * @throws AssertionError if a value is not what it is written as, or reading takes more memory
     *     than its bytes are worth
     */
    static void check(Codec codec, byte[] bytes) throws Exception {
        Optional<Object> value = codec.read(bytes);
        if (Cost.isHigh(codec, bytes)) {
            throw new AssertionError("it takes too much memory to read " + hex(bytes));
        }
        if (value.isPresent() && !value.equals(codec.read(codec.write(value.get())))) {
            throw new AssertionError(value.get() + " is written as another value: " + hex(bytes));
        }
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    /** Memory. */
    final class Cost {
        /** A refusal, with its stack trace and what the fuzzer itself allocates. */
        private static final long MAX = 1024 * 1024;

        /** Every other byte begins a component of an actor's path at worst. */
        private static final long MAX_PER_BYTE = 1024;

        private static final ThreadMXBean THREADS =
                (ThreadMXBean) ManagementFactory.getThreadMXBean();

        private Cost() {}

        /** Whether it is, and not for the classes that are loaded on the way. */
        private static boolean isHigh(Codec codec, byte[] bytes) throws Exception {
            boolean high = true;
            for (int round = 0; high && round < 2; round++) {
                long before = THREADS.getCurrentThreadAllocatedBytes();
                codec.read(bytes);
                long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
                high = allocated > MAX + MAX_PER_BYTE * bytes.length;
            }
            return high;
        }
    }
}
