// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import com.esotericsoftware.kryo.KryoException;
import com.esotericsoftware.kryo.Registration;
import com.esotericsoftware.kryo.io.Input;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import io.cloister.protocol.unit.Coded;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;

/**
 * Reads the fields that {@link WireOutput} writes, from a peer that may be hostile: nothing is
 * allocated before the bytes for it are seen to be there.
 */
public final class WireInput {
    /** Longest text of any message in bytes: an argument that takes all its request may. */
    public static final int MAX_TEXT_BYTES = 128 * 1024;

    private static final int NANOS_PER_SECOND = 1_000_000_000;

    private final VersionedKryo kryo;
    private final Input input;

    WireInput(VersionedKryo kryo, Input input) {
        this.kryo = kryo;
        this.input = input;
    }

    /**
     * A field that a later version of the format has appended to its class.
     *
     * @param version the first one that has it
     * @param before what it is in older messages
     */
    public <T> T since(int version, Function<WireInput, T> field, T before) {
        return kryo.version() >= version ? field.apply(this) : before;
    }

    public boolean flag() {
        int value = input.readByteUnsigned();
        if (value > 1) {
            throw new KryoException("a flag is " + value + ", neither 0 nor 1");
        }
        return value == 1;
    }

    public int count() {
        int value = input.readVarInt(true);
        if (value < 0) {
            throw new KryoException("a count is beyond 2^31 - 1");
        }
        return value;
    }

    public ByteSize size() {
        return new ByteSize(number());
    }

    public long number() {
        long value = input.readVarLong(true);
        if (value < 0) {
            throw new KryoException("a number is beyond 2^63 - 1");
        }
        return value;
    }

    public long signed() {
        return input.readVarLong(false);
    }

    public Duration duration() {
        long seconds = number();
        int nanos = count();
        if (nanos >= NANOS_PER_SECOND) {
            throw new KryoException("a duration has " + nanos + " nanoseconds, a second or more");
        }
        return Duration.ofSeconds(seconds, nanos);
    }

    public <E extends Enum<E> & Coded> E coded(Class<E> type) {
        int code = input.readByteUnsigned();
        for (E constant : type.getEnumConstants()) {
            if (constant.code() == code) {
                return constant;
            }
        }
        throw new KryoException(type.getSimpleName() + " has no code " + code);
    }

    public String text() {
        return text(MAX_TEXT_BYTES);
    }

    /** A text of at most so many bytes. */
    public String text(int maxBytes) {
        int length = lengthWithin(maxBytes, "text of %d bytes");
        ByteBuffer bytes = ByteBuffer.wrap(input.getBuffer(), input.position(), length);
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
            input.setPosition(input.position() + length);
            return text;
        } catch (CharacterCodingException malformed) {
            throw new KryoException("a text is not UTF-8", malformed);
        }
    }

    public Bytes bytes() {
        return Bytes.wrap(input.readBytes(lengthWithin(Integer.MAX_VALUE, "run of %d bytes")));
    }

    public <T> List<T> list(int max, Function<WireInput, T> element) {
        int count = lengthWithin(max, "list of %d elements");
        List<T> values = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            values.add(element.apply(this));
        }
        return values;
    }

    /** A list without repetition. */
    public <T> Set<T> set(int max, Function<WireInput, T> element) {
        List<T> values = list(max, element);
        Set<T> distinct = new LinkedHashSet<>(values);
        if (distinct.size() != values.size()) {
            throw new KryoException("a set has an element twice");
        }
        return distinct;
    }

    public <V> Map<String, V> map(int max, Function<WireInput, V> element) {
        return map(max, WireInput::text, element);
    }

    public <V> Map<Integer, V> numbered(int max, Function<WireInput, V> element) {
        return map(max, WireInput::count, element);
    }

    private <K, V> Map<K, V> map(
            int max, Function<WireInput, K> key, Function<WireInput, V> element) {
        int count = lengthWithin(max, "map of %d entries");
        Map<K, V> values = new LinkedHashMap<>();
        for (int i = 0; i < count; i++) {
            if (values.put(key.apply(this), element.apply(this)) != null) {
                throw new KryoException("a map has a key twice");
            }
        }
        return values;
    }

    public <T> Optional<T> optional(Function<WireInput, T> element) {
        return flag() ? Optional.of(element.apply(this)) : Optional.empty();
    }

    public OptionalInt optionalInt() {
        return flag() ? OptionalInt.of(count()) : OptionalInt.empty();
    }

    /** The fields of a registered record. */
    public <T> T value(Class<T> type) {
        return kryo.readObject(input, type);
    }

    /** The id of a class plus 2, then its fields; any other class than asked for is refused. */
    public <T> T object(Class<T> type) {
        Registration registration = kryo.readClass(input);
        if (registration == null) {
            throw new KryoException("nothing stands where " + type.getSimpleName() + " should");
        }
        Class<?> found = registration.getType();
        if (!(registration.getSerializer() instanceof WireType.WireSerializer<?>)
                || !type.isAssignableFrom(found)) {
            throw new KryoException(
                    found.getSimpleName() + " stands where " + type.getSimpleName() + " should");
        }
        return type.cast(kryo.readObject(input, found));
    }

    int remaining() {
        return input.limit() - input.position();
    }

    /** A length in bytes or elements; every element takes a byte at least. */
    private int lengthWithin(int max, String what) {
        int length = count();
        if (length > max || length > remaining()) {
            throw new KryoException(
                    "a %s, possible are %d, there are %d bytes left"
                            .formatted(what.formatted(length), max, remaining()));
        }
        return length;
    }
}
