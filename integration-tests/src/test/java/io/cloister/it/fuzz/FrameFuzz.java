// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.fuzz;

import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.service.Frame;
import io.cloister.protocol.service.FrameKryo;
import java.util.Optional;

/** Packets on the local service's socket, read by the service and by its client. */
public final class FrameFuzz {
    private static final FrameKryo KRYO = new FrameKryo();

    private FrameFuzz() {}

    /** Any exception is a finding. */
    public static void fuzzerTestOneInput(byte[] bytes) throws Exception {
        Codec.check(new OfClients(), bytes);
        Codec.check(new OfTheService(), bytes);
    }

    private record OfClients() implements Codec {
        @Override
        public Optional<Object> read(byte[] bytes) {
            try {
                return Optional.of(KRYO.readClient(bytes));
            } catch (ProtocolException refused) {
                return Optional.empty();
            }
        }

        @Override
        public byte[] write(Object value) throws ProtocolException {
            return KRYO.write((Frame) value);
        }
    }

    private record OfTheService() implements Codec {
        @Override
        public Optional<Object> read(byte[] bytes) {
            try {
                return Optional.of(KRYO.readService(bytes));
            } catch (ProtocolException refused) {
                return Optional.empty();
            }
        }

        @Override
        public byte[] write(Object value) throws ProtocolException {
            return KRYO.write((Frame) value);
        }
    }
}
