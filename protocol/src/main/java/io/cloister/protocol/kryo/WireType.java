// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import com.esotericsoftware.kryo.Kryo;
import com.esotericsoftware.kryo.Serializer;
import com.esotericsoftware.kryo.io.Input;
import com.esotericsoftware.kryo.io.Output;

/**
 * A class that may appear in messages.
 *
 * @param id stands for the class; it is never given to another
 * @param writer writes the fields, in order
 * @param reader reads them in the same order and constructs the value, which checks them
 */
public record WireType<T>(int id, Class<T> type, Writer<T> writer, Reader<T> reader) {
    /** Below are Kryo's own registrations, which no message holds. */
    public static final int MIN_ID = 16;

    public WireType {
        if (id < MIN_ID) {
            throw new IllegalArgumentException(
                    "%s has the id %d: choose one from %d on".formatted(type, id, MIN_ID));
        }
    }

    /** Writes the fields, in order. */
    @FunctionalInterface
    public interface Writer<T> {
        void write(WireOutput out, T value);
    }

    /** Reads the fields in the same order and constructs the value, which checks them. */
    @FunctionalInterface
    public interface Reader<T> {
        T read(WireInput in);
    }

    void register(Kryo kryo) {
        kryo.register(type, new WireSerializer<>(this), id);
    }

    /** Marks a class as one of this protocol, apart from those that Kryo registers by itself. */
    static final class WireSerializer<T> extends Serializer<T> {
        private final WireType<T> wire;

        WireSerializer(WireType<T> wire) {
            super(false, true);
            this.wire = wire;
        }

        @Override
        public void write(Kryo kryo, Output output, T value) {
            wire.writer.write(new WireOutput((VersionedKryo) kryo, output), value);
        }

        @Override
        public T read(Kryo kryo, Input input, Class<? extends T> type) {
            return wire.reader.read(new WireInput((VersionedKryo) kryo, input));
        }
    }
}
