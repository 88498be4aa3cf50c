// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.kryo.GoldenBytes;
import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.kryo.ProtocolKryo;
import io.cloister.protocol.message.Conf;
import io.cloister.protocol.message.Configured;
import io.cloister.protocol.message.Reply;
import io.cloister.protocol.message.Request;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The bytes of every sample of a frame: what one release writes, the next one reads.
 *
 * <p>To add a frame: give it an id and fields in {@link FrameTypes}, a value in {@link
 * FrameSamples}, run this test and copy the line it asks for. A line that is there never changes;
 * if it must, so must {@link ProtocolKryo#VERSION}, and the new one gets a file of its own.
 */
@Timeout(20)
class FrameGoldenBytesTest {
    private final FrameKryo kryo = new FrameKryo();

    static Map<String, byte[]> golden() {
        return golden(ProtocolKryo.VERSION);
    }

    private static Map<String, byte[]> golden(int version) {
        return GoldenBytes.of(version, FrameGoldenBytesTest.class);
    }

    /** A frame from either side. */
    static Frame read(FrameKryo kryo, String name, byte[] bytes) throws ProtocolException {
        return FrameSamples.ALL.get(name) instanceof ClientFrame
                ? kryo.readClient(bytes)
                : kryo.readService(bytes);
    }

    static Stream<String> samples() {
        return FrameSamples.ALL.keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("samples")
    void shouldWriteTheBytesThatAreKept(String name) throws ProtocolException {
        String bytes = HexFormat.of().formatHex(kryo.write(FrameSamples.ALL.get(name)));
        byte[] kept = golden().get(name);

        assertThat(kept)
                .as(
                        "%s has no line for it yet; if the sample is new, add: %s %s",
                        GoldenBytes.resource(ProtocolKryo.VERSION), name, bytes)
                .isNotNull();
        assertThat(bytes)
                .as("bytes of %s; releases could no longer talk to each other", name)
                .isEqualTo(HexFormat.of().formatHex(kept));
    }

    @Test
    void shouldReadEachLineAsItsSample() throws ProtocolException {
        for (Map.Entry<String, byte[]> line : golden().entrySet()) {
            assertThat(read(kryo, line.getKey(), line.getValue()))
                    .isEqualTo(FrameSamples.ALL.get(line.getKey()));
        }
    }

    @Test
    void shouldReadAndWriteTheBytesOfEveryVersionSinceTheOldest() throws ProtocolException {
        for (int version = ProtocolKryo.OLDEST_VERSION;
                version <= ProtocolKryo.VERSION;
                version++) {
            FrameKryo older = new FrameKryo(version);
            for (Map.Entry<String, byte[]> line : golden(version).entrySet()) {
                Frame frame = read(kryo, line.getKey(), line.getValue());
                assertThat(older.write(frame)).as(line.getKey()).isEqualTo(line.getValue());
            }
        }
    }

    @Test
    void shouldGreetWithTheSameBytesInAllVersions() {
        for (int version = ProtocolKryo.OLDEST_VERSION;
                version <= ProtocolKryo.VERSION;
                version++) {
            for (String greeting : new String[] {"hello", "refused"}) {
                assertThat(golden(version).get(greeting))
                        .startsWith(FrameKryo.GREETING_VERSION)
                        .isEqualTo(golden(FrameKryo.GREETING_VERSION).get(greeting));
            }
        }
    }

    @Test
    void shouldHaveASampleOfEveryFrameRequestAndReply() {
        Set<Class<?>> sampled = new HashSet<>();
        for (Frame frame : FrameSamples.ALL.values()) {
            sampled.add(frame.getClass());
            if (frame instanceof ClientFrame.Call(int serial, Request request)) {
                sampled.add(request.getClass());
            }
            if (frame instanceof ServiceFrame.Answer(int serial, Reply reply)) {
                sampled.add(reply.getClass());
            }
        }
        Set<Class<?>> all = new HashSet<>();
        records(Frame.class, all);
        records(Request.class, all);
        records(Reply.class, all);
        // Configuring is not for clients; its reply is in the welcome.
        all.remove(Conf.class);
        all.remove(Configured.class);
        assertThat(sampled).isEqualTo(all);
    }

    private static void records(Class<?> type, Set<Class<?>> found) {
        if (type.isRecord()) {
            found.add(type);
        } else {
            for (Class<?> permitted : type.getPermittedSubclasses()) {
                records(permitted, found);
            }
        }
    }
}
