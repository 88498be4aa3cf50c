// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.fuzz;

import akka.actor.ActorSystem;
import akka.serialization.Serialization;
import akka.serialization.SerializationExtension;
import akka.serialization.SerializerWithStringManifest;
import com.typesafe.config.ConfigFactory;
import io.cloister.supervisor.cluster.RunQueue;
import java.io.NotSerializableException;
import java.util.Arrays;
import java.util.Optional;

/**
 * Messages between nodes. The first byte is the manifest, from {@value #FIRST_MANIFEST} on; the
 * others are the message.
 */
public final class MessageFuzz {
    /** The smallest number of a message in docs/protocol.md. */
    static final int FIRST_MANIFEST = 200;

    private static final ActorSystem SYSTEM =
            ActorSystem.create(
                    "fuzz",
                    ConfigFactory.parseString(
                                    """
                                    akka.daemonic = on
                                    akka.actor.provider = remote
                                    akka.remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
                                    """)
                            .withFallback(ConfigFactory.load()));
    private static final SerializerWithStringManifest SERIALIZER = serializer();

    private MessageFuzz() {}

    private static SerializerWithStringManifest serializer() {
        Serialization serialization = SerializationExtension.get(SYSTEM);
        try {
            return (SerializerWithStringManifest)
                    serialization.serializerFor(RunQueue.Cancel.class);
        } catch (NotSerializableException e) {
            throw new IllegalStateException("messages between nodes have no serializer", e);
        }
    }

    /** Has the actor system started before the first input, whose time is taken. */
    public static void fuzzerInitialize() {}

    /** Any exception is a finding. */
    public static void fuzzerTestOneInput(byte[] bytes) throws Exception {
        if (bytes.length > 0) {
            int number = FIRST_MANIFEST + (bytes[0] & 0xFF);
            Codec.check(
                    new OfMessages(Integer.toString(number)),
                    Arrays.copyOfRange(bytes, 1, bytes.length));
        }
    }

    private record OfMessages(String manifest) implements Codec {
        @Override
        public Optional<Object> read(byte[] bytes) {
            try {
                return Optional.of(SERIALIZER.fromBinary(bytes, manifest));
            } catch (NotSerializableException refused) {
                return Optional.empty();
            }
        }

        @Override
        public byte[] write(Object value) {
            return SERIALIZER.toBinary(value);
        }
    }
}
