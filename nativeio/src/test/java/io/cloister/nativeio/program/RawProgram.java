// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.program;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A message to init by hand, from the description of the frame alone: shares no code with {@link
 * SyscallProgram}, so that each can be tested against the other, and refuses nothing.
 */
public final class RawProgram {
    /** Where data begins in init's memory: the third area, after the message's header. */
    public static final long DATA_AT = 0x12000010L;

    private static final int HEADER = 16;
    private static final int INSTRUCTION = 56;

    private byte[] data = {};
    private final List<byte[]> steps = new ArrayList<>();

    /** Appends bytes to the data, 8-aligned; the answer is their address. */
    public long data(byte... bytes) {
        int start = padded(data.length);
        byte[] longer = new byte[start + bytes.length];
        System.arraycopy(data, 0, longer, 0, data.length);
        System.arraycopy(bytes, 0, longer, start, bytes.length);
        data = longer;
        return DATA_AT + start;
    }

    /** Appends a plain call; the answer is the address of its result. */
    public long call(int number, long... args) {
        return step(number, 0, 0, 0, args);
    }

    public long step(int op, int flags, int ind, int aux, long... args) {
        ByteBuffer b = ByteBuffer.allocate(INSTRUCTION).order(ByteOrder.LITTLE_ENDIAN);
        b.putShort((short) op).put((byte) flags).put((byte) ind).putInt(aux);
        for (long arg : args) {
            b.putLong(arg);
        }
        steps.add(b.array());
        return 0x10000000L + (steps.size() - 1) * 8L;
    }

    public byte[] encode(int serial) {
        return encode(serial, steps.size(), data.length, 0);
    }

    /** The same with a header that need not be true. */
    public byte[] encode(int serial, int count, int dataLength, int zero) {
        int size = HEADER + padded(data.length) + steps.size() * INSTRUCTION;
        ByteBuffer b = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(count).putInt(dataLength).putInt(serial).putInt(zero).put(data);
        b.position(HEADER + padded(data.length));
        steps.forEach(b::put);
        return b.array();
    }

    private static int padded(int length) {
        return (length + 7) / 8 * 8;
    }
}
