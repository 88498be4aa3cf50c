// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import java.util.Map;

/**
 * Those of the protocol's values.
 *
 * <p>To add a class: give it an id and fields in {@link WireTypes}, a value in {@link Samples}, run
 * this test and copy the line it asks for.
 */
class GoldenBytesTest extends GoldenBytesCases<Object> {
    private final ProtocolKryo kryo = new ProtocolKryo();

    GoldenBytesTest() {
        super(Samples.ALL);
    }

    static Map<String, byte[]> golden() {
        return GoldenBytes.of(ProtocolKryo.VERSION, GoldenBytesTest.class);
    }

    @Override
    protected byte[] write(int version, Object value) throws ProtocolException {
        return new ProtocolKryo(version).write(value);
    }

    @Override
    protected Object read(String name, byte[] bytes) throws ProtocolException {
        return kryo.read(bytes);
    }
}
