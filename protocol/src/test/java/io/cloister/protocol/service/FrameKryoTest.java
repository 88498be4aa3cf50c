// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.kryo.ProtocolKryo;
import io.cloister.protocol.kryo.WireType;
import io.cloister.protocol.message.Configured;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Linked;
import io.cloister.protocol.message.Ping;
import io.cloister.protocol.message.Symlink;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Frames cross the socket as what they are, whatever two releases meet. */
@Timeout(20)
class FrameKryoTest {
    private static final int NEXT_VERSION = ProtocolKryo.VERSION + 1;

    private final FrameKryo kryo = new FrameKryo();

    @Test
    void shouldReadWhatItWrote() throws ProtocolException {
        for (Frame frame : FrameSamples.ALL.values()) {
            byte[] bytes = kryo.write(frame);
            switch (frame) {
                case ClientFrame client -> {
                    assertThat(kryo.readClient(bytes)).isEqualTo(client);
                    assertThatThrownBy(() -> kryo.readService(bytes))
                            .isInstanceOf(ProtocolException.class)
                            .hasMessageContaining("stands where ServiceFrame should");
                }
                case ServiceFrame service -> {
                    assertThat(kryo.readService(bytes)).isEqualTo(service);
                    assertThatThrownBy(() -> kryo.readClient(bytes))
                            .isInstanceOf(ProtocolException.class)
                            .hasMessageContaining("stands where ClientFrame should");
                }
            }
        }
    }

    @Test
    void shouldReadAndWriteBuffersOfEitherKind() throws ProtocolException {
        for (Frame frame : FrameSamples.ALL.values()) {
            byte[] bytes = kryo.write(frame);
            for (ByteBuffer buffer :
                    List.of(
                            ByteBuffer.allocate(bytes.length + 7),
                            ByteBuffer.allocateDirect(bytes.length + 7),
                            ByteBuffer.allocate(bytes.length + 9).slice(2, bytes.length + 7))) {
                buffer.position(3);
                kryo.write(frame, buffer);
                assertThat(buffer.position()).isEqualTo(3 + bytes.length);

                buffer.flip().position(3);
                assertThat(
                                frame instanceof ClientFrame
                                        ? kryo.readClient(buffer)
                                        : kryo.readService(buffer))
                        .isEqualTo(frame);
                assertThat(buffer.position()).isEqualTo(3);
                byte[] written = new byte[bytes.length];
                buffer.get(written);
                assertThat(written).isEqualTo(bytes);
            }
        }
    }

    @Test
    void shouldLeaveABufferAloneThatHasNoRoom() throws ProtocolException {
        Frame frame = new ClientFrame.Call(1, new Ping());
        ByteBuffer small = ByteBuffer.allocateDirect(kryo.write(frame).length - 1);

        assertThatThrownBy(() -> kryo.write(frame, small))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("room for " + small.capacity());
        assertThat(small.position()).isZero();
        while (small.hasRemaining()) {
            assertThat(small.get()).isZero();
        }
    }

    @Test
    void shouldRefuseAFrameThatIsTooLongAndNameTheLimit() {
        Map<String, Failure> errors = new LinkedHashMap<>();
        for (int i = 0; i < Symlink.MAX_LINKS; i++) {
            errors.put("/w/" + i, Failure.of(Failure.Kind.NOT_FOUND, "x".repeat(1000)));
        }
        Frame frame = new ServiceFrame.Answer(1, new Linked(errors));

        assertThatThrownBy(() -> kryo.write(frame))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("longer than " + Frame.MAX_BYTES + " bytes");
        ByteBuffer buffer = ByteBuffer.allocate(2 * Frame.MAX_BYTES);
        assertThatThrownBy(() -> kryo.write(frame, buffer))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("longer than " + Frame.MAX_BYTES + " bytes");
        assertThat(buffer.position()).isZero();
        buffer.limit(Frame.MAX_BYTES + 1);
        assertThatThrownBy(() -> kryo.readClient(buffer))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("at most " + Frame.MAX_BYTES);
    }

    @Test
    void shouldGreetSoThatEveryReleaseUnderstands() throws ProtocolException {
        FrameKryo next = FrameKryo.ofRelease(NEXT_VERSION, NEXT_VERSION);
        for (Frame greeting :
                List.of(FrameSamples.ALL.get("hello"), FrameSamples.ALL.get("refused"))) {
            assertThat(next.write(greeting)).isEqualTo(kryo.write(greeting));
            assertThat(kryo.write(greeting)[0]).isEqualTo((byte) FrameKryo.GREETING_VERSION);
        }
        byte[] call = next.write(new ClientFrame.Call(1, new Ping()));
        assertThatThrownBy(() -> kryo.readClient(call))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("version " + NEXT_VERSION);

        FrameKryo negotiated = FrameKryo.ofRelease(NEXT_VERSION, ProtocolKryo.VERSION);
        assertThat(kryo.readClient(negotiated.write(new ClientFrame.Call(1, new Ping()))))
                .isEqualTo(new ClientFrame.Call(1, new Ping()));
    }

    @Test
    void shouldPickTheNewestVersionThatBothKnow() {
        assertThat(FrameKryo.negotiate(FrameKryo.hello("judge"))).hasValue(ProtocolKryo.VERSION);
        assertThat(FrameKryo.negotiate(hello(0, 255))).hasValue(ProtocolKryo.VERSION);
        assertThat(FrameKryo.negotiate(hello(ProtocolKryo.VERSION, NEXT_VERSION)))
                .hasValue(ProtocolKryo.VERSION);
        assertThat(FrameKryo.negotiate(hello(0, ProtocolKryo.OLDEST_VERSION)))
                .hasValue(ProtocolKryo.OLDEST_VERSION);
    }

    @Test
    void shouldTellAClientWithoutACommonVersionWhatToUpgrade() {
        ClientFrame.Hello older = hello(0, ProtocolKryo.OLDEST_VERSION - 1);
        ClientFrame.Hello newer = hello(NEXT_VERSION, NEXT_VERSION + 3);

        assertThat(FrameKryo.negotiate(older)).isEmpty();
        assertThat(FrameKryo.negotiate(newer)).isEmpty();
        assertThat(FrameKryo.noCommonVersion(older).failure().message())
                .contains("client knows versions 0 to " + older.newest(), "upgrade the client");
        assertThat(FrameKryo.noCommonVersion(newer).failure().message())
                .contains(
                        "client knows versions %d to %d".formatted(newer.oldest(), newer.newest()),
                        "this service %d to %d"
                                .formatted(ProtocolKryo.OLDEST_VERSION, ProtocolKryo.VERSION),
                        "upgrade the service");
    }

    @Test
    void shouldRefuseVersionsThatThereAreNot() {
        for (int version : new int[] {ProtocolKryo.OLDEST_VERSION - 1, NEXT_VERSION}) {
            assertThatThrownBy(() -> new FrameKryo(version))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void shouldHaveAnIdOfTheirRangeForEveryClassOfFrames() {
        Set<Class<?>> frames = new HashSet<>();
        for (WireType<?> type : FrameTypes.ALL) {
            frames.add(type.type());
            boolean client = ClientFrame.class.isAssignableFrom(type.type());
            assertThat(type.id()).isBetween(client ? 128 : 144, client ? 143 : 159);
        }
        Set<Class<?>> all = new HashSet<>(Set.of(ClientFrame.class.getPermittedSubclasses()));
        all.addAll(Set.of(ServiceFrame.class.getPermittedSubclasses()));
        assertThat(frames).isEqualTo(all);
    }

    @Test
    void shouldTakeAnEnvironmentAsLongAsThereMayBe() throws ProtocolException {
        List<String> environment = new ArrayList<>();
        for (int i = 0; i < 31; i++) {
            environment.add("A%02d=".formatted(i) + "x".repeat(4000));
        }
        Frame frame = new ServiceFrame.Welcome(2, 1, new Configured(environment), "/w", 1);

        byte[] bytes = kryo.write(frame);

        assertThat(bytes.length).isGreaterThan(31 * 4000);
        assertThat(new String(bytes, StandardCharsets.UTF_8)).contains("A30=xxx");
        assertThat(kryo.readService(bytes)).isEqualTo(frame);
    }

    private static ClientFrame.Hello hello(int oldest, int newest) {
        return new ClientFrame.Hello(oldest, newest, "judge");
    }
}
