// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.service;

import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.Request;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Spares one end of a connection the work for a program that is run again, on other input: its
 * request has the bytes that it had the last time, but for the call's serial number, which comes
 * before them. The bytes on the wire are those of {@link FrameKryo}.
 *
 * <p>Not thread-safe.
 */
public final class LatestCall {
    /** Longer requests are not kept: there may be one for each connection. */
    private static final int MAX_BYTES = 16 * 1024;

    private static final int CONTINUES = 0x80;
    private static final int SEVEN_BITS = 7;
    private static final int MAX_SERIAL = 5;

    private final FrameKryo kryo;
    private @Nullable Request request;

    /** Before the serial number: the version, and the number of the class. */
    private byte[] head = {};

    /** After it. */
    private byte[] tail = {};

    /** Of an end that writes or reads by this. */
    public LatestCall(FrameKryo kryo) {
        this.kryo = kryo;
    }

    /** As {@link FrameKryo#write(Frame, ByteBuffer)}. */
    public void write(Frame frame, ByteBuffer into) throws ProtocolException {
        if (!(frame instanceof ClientFrame.Call(int serial, Request wanted))) {
            kryo.write(frame, into);
        } else if (wanted.equals(request)) {
            into.put(head);
            int rest = serial;
            for (; rest >= CONTINUES; rest >>>= SEVEN_BITS) {
                into.put((byte) (rest | CONTINUES));
            }
            into.put((byte) rest).put(tail);
        } else {
            int start = into.position();
            kryo.write(frame, into);
            keep(wanted, into.duplicate().flip().position(start));
        }
    }

    /** As {@link FrameKryo#readClient(ByteBuffer)}. */
    public ClientFrame readClient(ByteBuffer bytes) throws ProtocolException {
        if (request != null && bytes.remaining() > head.length + tail.length) {
            int end = bytes.limit() - tail.length;
            int serial = serial(bytes, end);
            if (serial > 0
                    && bytes.slice(bytes.position(), head.length).equals(ByteBuffer.wrap(head))
                    && bytes.slice(end, tail.length).equals(ByteBuffer.wrap(tail))) {
                return new ClientFrame.Call(serial, request);
            }
        }
        ClientFrame frame = kryo.readClient(bytes);
        if (frame instanceof ClientFrame.Call(int serial, Request read)) {
            keep(read, bytes);
        }
        return frame;
    }

    private void keep(Request latest, ByteBuffer bytes) {
        int serial = afterNumber(bytes, bytes.position() + 1);
        int end = afterNumber(bytes, serial);
        if (!(latest instanceof Execve) || bytes.limit() - end > MAX_BYTES) {
            return; // others cost little, and come between
        }
        request = latest;
        head = new byte[serial - bytes.position()];
        bytes.get(bytes.position(), head);
        tail = new byte[bytes.limit() - end];
        bytes.get(end, tail);
    }

    private static int afterNumber(ByteBuffer bytes, int start) {
        int end = start;
        while ((bytes.get(end) & CONTINUES) != 0) {
            end++;
        }
        return end + 1;
    }

    /** The number that ends just there and is written as short as it can be; 0 if there is none. */
    private int serial(ByteBuffer bytes, int end) {
        int start = bytes.position() + head.length;
        if (end - start > MAX_SERIAL) {
            return 0;
        }
        long serial = 0;
        for (int i = start; i < end; i++) {
            int part = Byte.toUnsignedInt(bytes.get(i));
            boolean last = i == end - 1;
            if (last == (part >= CONTINUES) || (last && i > start && part == 0)) {
                return 0;
            }
            serial |= (long) (part & (CONTINUES - 1)) << (SEVEN_BITS * (i - start));
        }
        return serial <= Integer.MAX_VALUE ? (int) serial : 0;
    }
}
