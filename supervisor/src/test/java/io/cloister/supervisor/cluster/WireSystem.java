// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.actor.ActorSystem;
import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.serialization.Serialization;
import akka.serialization.SerializationExtension;
import com.typesafe.config.ConfigFactory;
import java.io.NotSerializableException;

/** An actor system that can be reached from others, and its serialization, as Akka sets it up. */
final class WireSystem implements AutoCloseable {
    private final ActorTestKit kit =
            ActorTestKit.create(
                    "wire",
                    ConfigFactory.parseString(
                                    """
                                    akka.actor.provider = remote
                                    akka.remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
                                    """)
                            .withFallback(ConfigFactory.load()));
    private final Serialization serialization = SerializationExtension.get(kit.system());
    private final ClusterSerializer serializer;

    WireSystem() throws NotSerializableException {
        serializer = (ClusterSerializer) serialization.serializerFor(RunQueue.Cancel.class);
    }

    ActorTestKit kit() {
        return kit;
    }

    Serialization serialization() {
        return serialization;
    }

    ActorSystem classic() {
        return kit.system().classicSystem();
    }

    String manifest(Object message) {
        return serializer.manifest(message);
    }

    byte[] write(Object message) {
        return serializer.toBinary(message);
    }

    /** What a message is that came with this manifest. */
    Object read(byte[] bytes, String manifest) throws NotSerializableException {
        return serializer.fromBinary(bytes, manifest);
    }

    ClusterSerializer serializer() {
        return serializer;
    }

    @Override
    public void close() {
        kit.shutdownTestKit();
    }
}
