// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import static io.cloister.protocol.check.Check.quoted;

import akka.actor.ExtendedActorSystem;
import akka.serialization.SerializerWithStringManifest;
import com.typesafe.config.Config;
import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.kryo.ProtocolKryo;
import io.cloister.protocol.kryo.WireFormat;
import io.cloister.protocol.kryo.WireType;
import java.io.NotSerializableException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Akka's serializer of every {@link Remote}. The manifest is the number of its class, the bytes are
 * {@linkplain WireFormat#writeFields its fields}.
 *
 * <p>Whatever else arrives is answered by {@link NotSerializableException}, on which Akka's
 * remoting logs and drops one message.
 */
public class ClusterSerializer extends SerializerWithStringManifest {
    /**
     * Longest message in bytes, with room for Akka's envelope in the default of {@code
     * akka.remote.artery.advanced.maximum-frame-size}.
     */
    public static final int MAX_BYTES = 240 * 1024;

    private final int identifier;
    private final WireFormat format;
    private final Map<Class<?>, String> manifests = new HashMap<>();
    private final Map<String, Class<?>> messages = new HashMap<>();

    /** For Akka, which makes one for an actor system. */
    public ClusterSerializer(ExtendedActorSystem system) {
        this(
                system,
                new ClusterTypes(system).withProtocol(),
                new WireFormat.Versions(
                        ProtocolKryo.OLDEST_VERSION,
                        ProtocolKryo.VERSION,
                        wireVersion(system.settings().config())));
    }

    /** For another release's format. */
    ClusterSerializer(
            ExtendedActorSystem system, List<WireType<?>> types, WireFormat.Versions versions) {
        identifier =
                system.settings()
                        .config()
                        .getConfig("akka.actor.serialization-identifiers")
                        .getInt("\"" + ClusterSerializer.class.getName() + "\"");
        format = new WireFormat(types, versions, MAX_BYTES);
        for (WireType<?> type : types) {
            if (Remote.class.isAssignableFrom(type.type())) {
                String manifest = Integer.toString(type.id());
                manifests.put(type.type(), manifest);
                messages.put(manifest, type.type());
            }
        }
    }

    /** The version of the format that this node writes. */
    static int wireVersion(Config config) {
        return config.getInt("cloister.cluster.wire-version");
    }

    @Override
    public final int identifier() {
        return identifier;
    }

    @Override
    public final String manifest(Object message) {
        String manifest = manifests.get(message.getClass());
        if (manifest == null) {
            throw new IllegalArgumentException(
                    message.getClass().getName() + " is no message between nodes");
        }
        return manifest;
    }

    @Override
    public final byte[] toBinary(Object message) {
        manifest(message);
        try {
            return format.writeFields(message);
        } catch (ProtocolException refused) {
            throw new IllegalArgumentException(refused.getMessage(), refused);
        }
    }

    @Override
    public final Object fromBinary(byte[] bytes, String manifest) throws NotSerializableException {
        Class<?> type = messages.get(manifest);
        if (type == null) {
            throw new NotSerializableException(
                    "no message between nodes has the manifest %s: is the sender of a newer release?"
                            .formatted(quoted(manifest)));
        }
        try {
            return format.readFields(bytes, type);
        } catch (ProtocolException refused) {
            NotSerializableException failure =
                    new NotSerializableException(
                            "%s: %s".formatted(type.getName(), refused.getMessage()));
            failure.initCause(refused);
            throw failure;
        }
    }
}
