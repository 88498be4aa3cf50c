// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/**
 * Bytes from a peer that means harm: what is understood is a value like any other, everything else
 * costs a {@link ProtocolException} and memory in proportion to the bytes.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(60)
public abstract class HostileBytesCases {
    /** What two refusals take, their stack traces included. */
    private static final long MAX_ALLOCATED = 256 * 1024;

    /** For each byte that came: every other one is a text of one letter at worst. */
    private static final long MAX_ALLOCATED_PER_BYTE = 1024;

    /** Versions, numbers of classes and lengths; of what comes later only some values are tried. */
    private static final int HEAD = 4;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final Map<String, byte[]> golden;

    /**
     * @param golden by the names of the samples
     */
    protected HostileBytesCases(Map<String, byte[]> golden) {
        this.golden = golden;
    }

    /** What was understood, or nothing where the bytes were refused as they should be. */
    protected abstract Optional<?> read(byte[] bytes);

    protected abstract byte[] write(Object value) throws ProtocolException;

    /** That this is how bytes are refused. */
    protected static void assertRefusal(ProtocolException refused) {
        assertThat(refused).hasMessageContaining("not a message of this protocol");
    }

    @BeforeAll
    void loadClasses() {
        golden.values().forEach(this::read);
        read(new byte[0]);
    }

    /** Whether something was understood; it is as good as any value then. */
    protected final boolean readOrRefuse(byte[] bytes) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        Optional<?> value = read(bytes);
        assertThat(THREADS.getCurrentThreadAllocatedBytes() - before)
                .as("bytes allocated for %d bytes", bytes.length)
                .isLessThan(MAX_ALLOCATED + MAX_ALLOCATED_PER_BYTE * bytes.length);
        if (value.isPresent()) {
            try {
                assertThat(read(write(value.get()))).isEqualTo(value);
            } catch (ProtocolException unwritable) {
                throw new AssertionError("it cannot write what it reads", unwritable);
            }
        }
        return value.isPresent();
    }

    @Test
    void shouldRefuseWhatIsCutShort() {
        golden.forEach((name, bytes) -> {
            for (int length = 0; length < bytes.length; length++) {
                assertThat(readOrRefuse(Arrays.copyOf(bytes, length)))
                        .as("first %d bytes of %s", length, name)
                        .isFalse();
            }
        });
    }

    @Test
    void shouldRefuseOrUnderstandWhatHasOneByteChanged() {
        int understood = 0;
        for (byte[] kept : golden.values()) {
            for (int at = 0; at < kept.length; at++) {
                byte[] bytes = kept.clone();
                int step = at < HEAD ? 1 : 15;
                for (int value = 0; value < 256; value += step) {
                    bytes[at] = (byte) value;
                    understood += readOrRefuse(bytes) ? 1 : 0;
                }
            }
        }
        assertThat(understood).as("another letter of a text").isPositive();
    }

    @Test
    void shouldRefuseOrUnderstandRandomBytes() {
        Random random = new Random(45);
        byte[][] all = golden.values().toArray(byte[][]::new);
        for (int round = 0; round < 50_000; round++) {
            byte[] kept = all[random.nextInt(all.length)];
            byte[] bytes = new byte[random.nextInt(2 * kept.length)];
            random.nextBytes(bytes);
            // What begins well leads deeper into the fields.
            System.arraycopy(
                    kept, 0, bytes, 0, random.nextInt(Math.min(kept.length, bytes.length) + 1));
            readOrRefuse(bytes);
        }
    }

    @Test
    void shouldRefuseOrUnderstandWhatIsSplicedTogether() {
        Random random = new Random(46);
        byte[][] all = golden.values().toArray(byte[][]::new);
        for (int round = 0; round < 20_000; round++) {
            byte[] head = all[random.nextInt(all.length)];
            byte[] tail = all[random.nextInt(all.length)];
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            bytes.write(head, 0, random.nextInt(head.length + 1));
            int from = random.nextInt(tail.length + 1);
            bytes.write(tail, from, tail.length - from);
            readOrRefuse(bytes.toByteArray());
        }
    }
}
