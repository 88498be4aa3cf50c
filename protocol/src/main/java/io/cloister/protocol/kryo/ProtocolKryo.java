// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import java.util.List;

/**
 * The {@link WireFormat} of the values of this protocol: requests, replies, runs, results.
 *
 * <p>Thread-safe.
 */
public final class ProtocolKryo {
    /**
     * Longest message in bytes: a run or a result with the largest content there is, three times
     * over. A larger one is refused when it is written; its files belong into the file store.
     */
    public static final int MAX_BYTES = 64 * 1024 * 1024;

    /**
     * The newest version of the format, the first byte of a message: one more for each release that
     * changes what the bytes of any class may be.
     */
    public static final int VERSION = 2;

    /**
     * The oldest version that is still read and can still be written. No release has had an older
     * one than 2.
     */
    public static final int OLDEST_VERSION = 2;

    private static final WireFormat ALL =
            new WireFormat(
                    WireTypes.ALL,
                    new WireFormat.Versions(OLDEST_VERSION, VERSION, VERSION),
                    MAX_BYTES);

    private final WireFormat format;

    /** Writes the newest version. */
    public ProtocolKryo() {
        this(VERSION);
    }

    /**
     * Writes an older version, for as long as not all readers know the newest.
     *
     * @param written {@link #OLDEST_VERSION} to {@link #VERSION}
     * @throws IllegalArgumentException if it is another
     */
    public ProtocolKryo(int written) {
        format = ALL.writing(written);
    }

    /** The classes of this protocol, for a format that nests them in its own. */
    public static List<WireType<?>> types() {
        return WireTypes.ALL;
    }

    /**
     * Writes a value of this protocol.
     *
     * @throws ProtocolException if its class is not registered or its message is too long
     */
    public byte[] write(Object value) throws ProtocolException {
        return format.write(value);
    }

    /**
     * Reads a value of this protocol.
     *
     * @throws ProtocolException whatever else the bytes are; nothing else is thrown for them
     */
    public Object read(byte[] bytes) throws ProtocolException {
        return format.read(bytes, Object.class);
    }

    /**
     * Reads a value of one type, for example {@code Request.class}.
     *
     * @throws ProtocolException whatever else the bytes are; nothing else is thrown for them
     */
    public <T> T read(byte[] bytes, Class<T> type) throws ProtocolException {
        return format.read(bytes, type);
    }
}
