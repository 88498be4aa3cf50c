// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import com.esotericsoftware.kryo.Kryo;
import com.esotericsoftware.kryo.KryoException;
import com.esotericsoftware.kryo.Registration;
import com.esotericsoftware.kryo.io.Input;
import com.esotericsoftware.kryo.io.Output;
import com.esotericsoftware.kryo.util.DefaultClassResolver;
import com.esotericsoftware.kryo.util.Pool;

/**
 * Turns the values of this protocol into bytes and back.
 *
 * <pre>
 * message:  u8 version | id of the class + 2 | its fields, in order
 * </pre>
 *
 * <p>Nothing else is accepted than what {@link #write} produces: only registered classes, by id and
 * only where they belong; no references, no class names; bounded texts and collections; no bytes
 * left over; and values that their own constructors accept. What is read takes memory in proportion
 * to the bytes that are there, whatever lengths they claim.
 *
 * <p>Thread-safe: Kryo is not, so instances of it are pooled.
 */
public final class ProtocolKryo {
    /**
     * Longest message in bytes: a run or a result with the largest content there is, three times
     * over. A larger one is refused when it is written; its files belong into the file store.
     */
    public static final int MAX_BYTES = 64 * 1024 * 1024;

    /**
     * The first byte of every message. It changes when a message can no longer be read as before.
     */
    public static final int VERSION = 2;

    /** Above the deepest value, a run's program's stream's content; Kryo counts one for itself. */
    private static final int MAX_DEPTH = 8;

    private static final int FIRST_BUFFER = 512;
    private static final int POOLED = 16;

    private final Pool<Kryo> pool =
            new Pool<>(true, false, POOLED) {
                @Override
                protected Kryo create() {
                    return newKryo();
                }
            };

    /**
     * Writes a value of this protocol.
     *
     * @throws ProtocolException if its class is not registered or its message is too long
     */
    public byte[] write(Object value) throws ProtocolException {
        Kryo kryo = pool.obtain();
        try (Output output = new Output(FIRST_BUFFER, MAX_BYTES)) {
            output.writeByte(VERSION);
            if (!(kryo.getRegistration(value.getClass()).getSerializer()
                    instanceof WireType.WireSerializer<?>)) {
                throw new KryoException("the class is not part of this protocol");
            }
            kryo.writeClassAndObject(output, value);
            return output.toBytes();
        } catch (RuntimeException refused) {
            throw new ProtocolException(
                    "a %s cannot be written: %s"
                            .formatted(value.getClass().getName(), reason(refused)),
                    refused);
        } finally {
            pool.free(kryo);
        }
    }

    /**
     * Reads a value of this protocol.
     *
     * @throws ProtocolException whatever else the bytes are; nothing else is thrown for them
     */
    public Object read(byte[] bytes) throws ProtocolException {
        return read(bytes, Object.class);
    }

    /**
     * Reads a value of one type, for example {@code Request.class}.
     *
     * @throws ProtocolException whatever else the bytes are; nothing else is thrown for them
     */
    public <T> T read(byte[] bytes, Class<T> type) throws ProtocolException {
        if (bytes.length > MAX_BYTES) {
            throw new ProtocolException(
                    "a message of %d bytes, at most %d are possible"
                            .formatted(bytes.length, MAX_BYTES),
                    null);
        }
        Kryo kryo = pool.obtain();
        try (Input input = new Input(bytes)) {
            int version = input.readByteUnsigned();
            if (version != VERSION) {
                throw new KryoException(
                        "version %d, known is %d: run the same release on all nodes"
                                .formatted(version, VERSION));
            }
            WireInput in = new WireInput(kryo, input);
            T value = in.object(type);
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

    private static String reason(RuntimeException refused) {
        String message = refused.getMessage();
        return message == null ? refused.getClass().getSimpleName() : message;
    }

    private static Kryo newKryo() {
        Kryo kryo = new Kryo(new IdsOnly(), null);
        kryo.setRegistrationRequired(true);
        kryo.setReferences(false);
        kryo.setMaxDepth(MAX_DEPTH);
        WireTypes.ALL.forEach(type -> type.register(kryo));
        return kryo;
    }

    /** Refuses class names, which Kryo would look up before it refuses what it found. */
    private static final class IdsOnly extends DefaultClassResolver {
        @Override
        protected Registration readName(Input input) {
            throw new KryoException("a class is given by name, only ids are accepted");
        }
    }
}
