// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import com.esotericsoftware.kryo.KryoException;
import com.esotericsoftware.kryo.io.Input;
import com.esotericsoftware.kryo.io.KryoBufferOverflowException;
import com.esotericsoftware.kryo.io.Output;
import com.esotericsoftware.kryo.util.Pool;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * Turns the values of one list of classes into bytes and back.
 *
 * <pre>
 * message:  u8 version | id of the class + 2 | its fields, in order
 * fields:   u8 version | its fields, in order
 * </pre>
 *
 * <p>Nothing else is accepted than what is written: only registered classes, by id and only where
 * they belong; no references, no class names; bounded texts and collections; no bytes left over;
 * and values that their own constructors accept. What is read takes memory in proportion to the
 * bytes that are there, whatever lengths they claim.
 *
 * <p>Versions let nodes of two releases talk to each other: what a later version adds to a class
 * comes last ({@link WireOutput#since}) and has a default where it is absent ({@link
 * WireInput#since}). A message is read as the version that it says it has.
 *
 * <p>Thread-safe: Kryo is not, so instances of it are pooled.
 */
public final class WireFormat {
    private static final int FIRST_BUFFER = 512;
    private static final int POOLED = 16;

    private final Versions versions;
    private final int maxBytes;
    private final Pool<VersionedKryo> pool;

    /**
     * Which versions there are.
     *
     * @param oldest that is read
     * @param newest that is known
     * @param written what messages are written as
     */
    public record Versions(int oldest, int newest, int written) {
        private static final int MAX = 255;

        public Versions {
            if (oldest < 0 || newest > MAX || written < oldest || written > newest) {
                throw new IllegalArgumentException(
                        "version %d is to be written, possible are %d to %d: choose one of them"
                                .formatted(written, oldest, newest));
            }
        }
    }

    /**
     * @param maxBytes of a message: a longer one is neither written nor read
     */
    public WireFormat(List<WireType<?>> types, Versions versions, int maxBytes) {
        this(pool(List.copyOf(types)), versions, maxBytes);
    }

    private WireFormat(Pool<VersionedKryo> pool, Versions versions, int maxBytes) {
        this.pool = pool;
        this.versions = versions;
        this.maxBytes = maxBytes;
    }

    private static Pool<VersionedKryo> pool(List<WireType<?>> all) {
        Set<Object> seen = new HashSet<>();
        for (WireType<?> type : all) {
            if (!seen.add(type.id()) || !seen.add(type.type())) {
                throw new IllegalArgumentException(
                        "%s or its id %d is in the list twice".formatted(type.type(), type.id()));
            }
        }
        return new Pool<>(true, false, POOLED) {
            @Override
            protected VersionedKryo create() {
                return new VersionedKryo(all);
            }
        };
    }

    /**
     * This format with another version to write; it costs nothing.
     *
     * @throws IllegalArgumentException if there is no such version
     */
    public WireFormat writing(int version) {
        return new WireFormat(
                pool, new Versions(versions.oldest(), versions.newest(), version), maxBytes);
    }

    /**
     * A message: the value with the id of its class.
     *
     * @throws ProtocolException if its class is not registered or its message is too long
     */
    public byte[] write(Object value) throws ProtocolException {
        return write(value, WireOutput::object, Output::toBytes);
    }

    /**
     * A message: the value with the id of its class, at the buffer's position, which moves on.
     *
     * @throws ProtocolException if its class is not registered, its message is too long or the
     *     buffer has no room for it; then the buffer is as it was
     */
    public void write(Object value, ByteBuffer into) throws ProtocolException {
        write(
                value,
                WireOutput::object,
                output -> {
                    if (output.position() > into.remaining()) {
                        throw new KryoException(
                                "its message has %d bytes, the buffer has room for %d"
                                        .formatted(output.position(), into.remaining()));
                    }
                    return into.put(output.getBuffer(), 0, output.position());
                });
    }

    /**
     * The fields of a value, for a reader who is told its class.
     *
     * @throws ProtocolException if its class is not registered or its message is too long
     */
    public byte[] writeFields(Object value) throws ProtocolException {
        return write(value, WireOutput::value, Output::toBytes);
    }

    /**
     * Reads a message that holds a value of one type, for example of a sealed interface.
     *
     * @throws ProtocolException whatever else the bytes are; nothing else is thrown for them
     */
    public <T> T read(byte[] bytes, Class<T> type) throws ProtocolException {
        return read(ByteBuffer.wrap(bytes), in -> in.object(type));
    }

    /**
     * Reads a message that is what the buffer holds between its position and its limit; both stay.
     *
     * @throws ProtocolException whatever else the bytes are; nothing else is thrown for them
     */
    public <T> T read(ByteBuffer bytes, Class<T> type) throws ProtocolException {
        return read(bytes, in -> in.object(type));
    }

    /**
     * Reads what {@link #writeFields} wrote.
     *
     * @param type a registered class
     * @throws ProtocolException whatever else the bytes are; nothing else is thrown for them
     */
    public <T> T readFields(byte[] bytes, Class<T> type) throws ProtocolException {
        return read(ByteBuffer.wrap(bytes), in -> in.value(type));
    }

    private <T> T write(
            Object value, BiConsumer<WireOutput, Object> write, Function<Output, T> finish)
            throws ProtocolException {
        VersionedKryo kryo = pool.obtain();
        try (Output output = new Output(FIRST_BUFFER, maxBytes)) {
            output.writeByte(versions.written());
            kryo.version(versions.written());
            if (!(kryo.getRegistration(value.getClass()).getSerializer()
                    instanceof WireType.WireSerializer<?>)) {
                throw new KryoException("the class is not part of this protocol");
            }
            write.accept(new WireOutput(kryo, output), value);
            return finish.apply(output);
        } catch (KryoBufferOverflowException tooLong) {
            throw new ProtocolException(
                    "a %s cannot be written: its message is longer than %d bytes, the most there may"
                                    .formatted(value.getClass().getName(), maxBytes)
                            + " be",
                    tooLong);
        } catch (RuntimeException refused) {
            throw new ProtocolException(
                    "a %s cannot be written: %s"
                            .formatted(value.getClass().getName(), reason(refused)),
                    refused);
        } finally {
            pool.free(kryo);
        }
    }

    private <T> T read(ByteBuffer bytes, Function<WireInput, T> read) throws ProtocolException {
        if (bytes.remaining() > maxBytes) {
            throw new ProtocolException(
                    "a message of %d bytes, at most %d are possible"
                            .formatted(bytes.remaining(), maxBytes),
                    null);
        }
        VersionedKryo kryo = pool.obtain();
        try (Input input = input(bytes)) {
            kryo.version(checkedVersion(input.readByteUnsigned()));
            WireInput in = new WireInput(kryo, input);
            T value = read.apply(in);
            if (in.remaining() != 0) {
                throw new KryoException(in.remaining() + " bytes are left over");
            }
            return value;
        } catch (RuntimeException refused) {
            // Not only Kryo's own: the constructors refuse values, the class library odd numbers.
            throw new ProtocolException(
                    "not a message of this protocol: " + reason(refused), refused);
        } finally {
            pool.free(kryo);
        }
    }

    private static Input input(ByteBuffer bytes) {
        if (bytes.hasArray()) {
            return new Input(
                    bytes.array(), bytes.arrayOffset() + bytes.position(), bytes.remaining());
        }
        byte[] copy = new byte[bytes.remaining()];
        bytes.get(bytes.position(), copy);
        return new Input(copy);
    }

    private int checkedVersion(int version) {
        if (version > versions.newest()) {
            throw new KryoException(
                    "version %d, the newest known here is %d: have newer nodes write that one until"
                                    .formatted(version, versions.newest())
                            + " all are upgraded (cloister.cluster.wire-version)");
        }
        if (version < versions.oldest()) {
            throw new KryoException(
                    "version %d, the oldest known here is %d: upgrade the node that wrote it"
                            .formatted(version, versions.oldest()));
        }
        return version;
    }

    private static String reason(RuntimeException refused) {
        String message = refused.getMessage();
        return message == null ? refused.getClass().getSimpleName() : message;
    }
}
