// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Bytes that come piece by piece, the first so many of which are kept. The room for them grows with
 * them, to at most twice their number and never beyond the bound; {@link #toBytes} makes a copy.
 */
final class BoundedBytes {
    private static final int MAX_PIECE = 1024 * 1024;

    private final long max;
    private final List<byte[]> full = new ArrayList<>();
    private byte[] piece;
    private int filled;
    private long length;
    private boolean exceeded;

    BoundedBytes(ByteSize max) {
        this(max, 0);
    }

    /** As above, with room at once for as many as are expected. */
    BoundedBytes(ByteSize max, long expected) {
        this.max = max.bytes();
        piece = new byte[(int) Math.min(expected, max.bytes())];
    }

    /** Takes all that remains in the buffer, and keeps what the bound leaves room for. */
    void add(ByteBuffer from) {
        while (from.hasRemaining() && length < max) {
            if (filled == piece.length) {
                newPiece(from.remaining());
            }
            int n = Math.min(from.remaining(), piece.length - filled);
            from.get(piece, filled, n);
            filled += n;
            length += n;
        }
        if (from.hasRemaining()) {
            exceeded = true;
            from.position(from.limit());
        }
    }

    private void newPiece(int atLeast) {
        if (filled > 0) {
            full.add(piece);
        }
        long size = Math.max(atLeast, Math.min(length, MAX_PIECE));
        piece = new byte[(int) Math.min(size, max - length)];
        filled = 0;
    }

    /** Whether more came than was kept. */
    boolean isExceeded() {
        return exceeded;
    }

    /** How many are kept. */
    long length() {
        return length;
    }

    /** What was kept; nothing may be added any more. */
    Bytes toBytes() {
        if (full.isEmpty() && filled == piece.length) {
            return Bytes.wrap(piece);
        }
        byte[] all = new byte[Math.toIntExact(length)];
        int at = 0;
        for (byte[] each : full) {
            System.arraycopy(each, 0, all, at, each.length);
            at += each.length;
        }
        System.arraycopy(piece, 0, all, at, filled);
        full.clear();
        return Bytes.wrap(all);
    }
}
