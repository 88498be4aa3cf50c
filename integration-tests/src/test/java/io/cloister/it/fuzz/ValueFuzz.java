// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.fuzz;

import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.kryo.ProtocolKryo;
import java.util.Optional;

/** Values of the protocol, as parcels between nodes hold them. */
public final class ValueFuzz {
    private static final ProtocolKryo KRYO = new ProtocolKryo();

    private ValueFuzz() {}

    /** Any exception is a finding. */
    public static void fuzzerTestOneInput(byte[] bytes) throws Exception {
        Codec.check(new OfValues(), bytes);
    }

    private record OfValues() implements Codec {
        @Override
        public Optional<Object> read(byte[] bytes) {
            try {
                return Optional.of(KRYO.read(bytes));
            } catch (ProtocolException refused) {
                return Optional.empty();
            }
        }

        @Override
        public byte[] write(Object value) throws ProtocolException {
            return KRYO.write(value);
        }
    }
}
