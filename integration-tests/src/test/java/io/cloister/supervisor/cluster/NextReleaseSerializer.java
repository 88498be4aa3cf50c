// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.actor.ExtendedActorSystem;
import io.cloister.protocol.kryo.ProtocolKryo;
import io.cloister.protocol.kryo.WireFormat;
import io.cloister.protocol.kryo.WireInput;
import io.cloister.protocol.kryo.WireType;
import java.util.concurrent.atomic.AtomicLong;

/** What a release after this one might have: each message between nodes has one field more. */
public final class NextReleaseSerializer extends ClusterSerializer {
    /** A line of configuration: write the new version, not only read it. */
    public static final String WRITES = "next-release.writes = true";

    private static final int VERSION = ProtocolKryo.VERSION + 1;

    private static final String FIELD = "new";
    private static final AtomicLong READ = new AtomicLong();

    /** For Akka. */
    public NextReleaseSerializer(ExtendedActorSystem system) {
        super(
                system,
                new ClusterTypes(system)
                        .withProtocol().stream()
                                .<WireType<?>>map(NextReleaseSerializer::next)
                                .toList(),
                new WireFormat.Versions(
                        ProtocolKryo.OLDEST_VERSION,
                        VERSION,
                        system.settings().config().hasPath("next-release.writes")
                                ? VERSION
                                : wireVersion(system.settings().config())));
    }

    /** How many messages with the new field this JVM has read. */
    public static long read() {
        return READ.get();
    }

    private static <T> WireType<T> next(WireType<T> type) {
        if (!Remote.class.isAssignableFrom(type.type())) {
            return type;
        }
        return new WireType<>(
                type.id(),
                type.type(),
                (out, value) -> {
                    type.writer().write(out, value);
                    out.since(VERSION, o -> o.text(FIELD));
                },
                in -> {
                    T value = type.reader().read(in);
                    if (in.since(VERSION, WireInput::text, "").equals(FIELD)) {
                        READ.incrementAndGet();
                    }
                    return value;
                });
    }
}
