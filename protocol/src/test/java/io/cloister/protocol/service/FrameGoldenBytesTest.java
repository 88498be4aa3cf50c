// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.kryo.GoldenBytes;
import io.cloister.protocol.kryo.GoldenBytesCases;
import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.kryo.ProtocolKryo;
import io.cloister.protocol.message.Conf;
import io.cloister.protocol.message.Configured;
import io.cloister.protocol.message.Reply;
import io.cloister.protocol.message.Request;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Those of frames.
 *
 * <p>To add a frame: give it an id and fields in {@link FrameTypes}, a value in {@link
 * FrameSamples}, run this test and copy the line it asks for.
 */
class FrameGoldenBytesTest extends GoldenBytesCases<Frame> {
    private final FrameKryo kryo = new FrameKryo();

    FrameGoldenBytesTest() {
        super(FrameSamples.ALL);
    }

    static Map<String, byte[]> golden() {
        return GoldenBytes.of(ProtocolKryo.VERSION, FrameGoldenBytesTest.class);
    }

    /** A frame from either side. */
    static Frame read(FrameKryo kryo, String name, byte[] bytes) throws ProtocolException {
        return FrameSamples.ALL.get(name) instanceof ClientFrame
                ? kryo.readClient(bytes)
                : kryo.readService(bytes);
    }

    @Override
    protected byte[] write(int version, Frame frame) throws ProtocolException {
        return new FrameKryo(version).write(frame);
    }

    @Override
    protected Frame read(String name, byte[] bytes) throws ProtocolException {
        return read(kryo, name, bytes);
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
