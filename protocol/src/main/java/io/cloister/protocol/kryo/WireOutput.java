// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import com.esotericsoftware.kryo.io.Output;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import io.cloister.protocol.unit.Coded;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** Writes the kinds of fields there are; {@link WireInput} reads them. */
public final class WireOutput {
    private final VersionedKryo kryo;
    private final Output output;

    WireOutput(VersionedKryo kryo, Output output) {
        this.kryo = kryo;
        this.output = output;
    }

    /**
     * A field that a later version of the format has appended to its class.
     *
     * @param version the first one that has it
     */
    public WireOutput since(int version, Consumer<WireOutput> field) {
        if (kryo.version() >= version) {
            field.accept(this);
        }
        return this;
    }

    /** One byte, 0 or 1. */
    public WireOutput flag(boolean value) {
        output.writeByte(value ? 1 : 0);
        return this;
    }

    /** Zero or more, 7 bits to a byte, low bits first. */
    public WireOutput count(int value) {
        output.writeVarInt(value, true);
        return this;
    }

    /** Zero or more, 7 bits to a byte, low bits first. */
    public WireOutput size(ByteSize value) {
        output.writeVarLong(value.bytes(), true);
        return this;
    }

    /** Zero or more, 7 bits to a byte, low bits first. */
    public WireOutput number(long value) {
        output.writeVarLong(value, true);
        return this;
    }

    /** Any number: zigzag, then as {@link #number}. */
    public WireOutput signed(long value) {
        output.writeVarLong(value, false);
        return this;
    }

    /** Seconds, then nanoseconds. */
    public WireOutput duration(Duration value) {
        output.writeVarLong(value.getSeconds(), true);
        output.writeVarInt(value.getNano(), true);
        return this;
    }

    /** The constant's code, one byte. */
    public WireOutput coded(Coded value) {
        output.writeByte(value.code());
        return this;
    }

    /** Length in bytes, then UTF-8. */
    public WireOutput text(String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        output.writeVarInt(bytes.length, true);
        output.writeBytes(bytes);
        return this;
    }

    /** Length, then the bytes. */
    public WireOutput bytes(Bytes value) {
        output.writeVarInt(value.length(), true);
        output.writeBytes(value.toArray());
        return this;
    }

    /** How many, then each. */
    public <T> WireOutput list(Collection<T> values, BiConsumer<WireOutput, T> element) {
        count(values.size());
        values.forEach(value -> element.accept(this, value));
        return this;
    }

    /** How many, then each key with its value. */
    public <V> WireOutput map(Map<String, V> values, BiConsumer<WireOutput, V> element) {
        count(values.size());
        values.forEach((key, value) -> element.accept(text(key), value));
        return this;
    }

    /** How many, then each number with its value. */
    public <V> WireOutput numbered(Map<Integer, V> values, BiConsumer<WireOutput, V> element) {
        count(values.size());
        values.forEach((key, value) -> element.accept(count(key), value));
        return this;
    }

    /** A flag, then the value if there is one. */
    public <T> WireOutput optional(Optional<T> value, BiConsumer<WireOutput, T> element) {
        flag(value.isPresent());
        value.ifPresent(present -> element.accept(this, present));
        return this;
    }

    /** A flag, then the number, zero or more, if there is one. */
    public WireOutput optional(OptionalInt value) {
        flag(value.isPresent());
        value.ifPresent(this::count);
        return this;
    }

    /** The fields of a registered record whose class the reader knows. */
    public WireOutput value(Object value) {
        kryo.writeObject(output, value);
        return this;
    }

    /** The id of the value's class plus 2, then its fields. */
    public WireOutput object(Object value) {
        kryo.writeClassAndObject(output, value);
        return this;
    }
}
