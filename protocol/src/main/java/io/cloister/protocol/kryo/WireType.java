// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import com.esotericsoftware.kryo.Kryo;
import com.esotericsoftware.kryo.Serializer;
import com.esotericsoftware.kryo.io.Input;
import com.esotericsoftware.kryo.io.Output;

/** A class that may appear in messages: its id, and its fields in the order they are written. */
record WireType<T>(int id, Class<T> type, Writer<T> writer, Reader<T> reader) {
    /** Writes the fields, in order. */
    @FunctionalInterface
    interface Writer<T> {
        void write(WireOutput out, T value);
    }

    /** Reads the fields in the same order and constructs the value, which checks them. */
    @FunctionalInterface
    interface Reader<T> {
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
            wire.writer.write(new WireOutput(kryo, output), value);
        }

        @Override
        public T read(Kryo kryo, Input input, Class<? extends T> type) {
            return wire.reader.read(new WireInput(kryo, input));
        }
    }
}
