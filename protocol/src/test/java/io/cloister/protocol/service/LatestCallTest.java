// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.Ping;
import io.cloister.protocol.message.Request;
import io.cloister.protocol.service.ClientFrame.Call;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LatestCallTest {
    private final FrameKryo kryo = new FrameKryo();
    private final LatestCall writer = new LatestCall(kryo);
    private final LatestCall reader = new LatestCall(kryo);

    private static Execve run(String... arguments) {
        return Execve.of(arguments).wallTime(Duration.ofSeconds(1)).build();
    }

    private ByteBuffer written(ClientFrame frame) throws ProtocolException {
        ByteBuffer bytes = ByteBuffer.allocateDirect(Frame.MAX_BYTES);
        writer.write(frame, bytes);
        return bytes.flip();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 127, 128, 16_383, 16_384, 2_097_152, 268_435_456, Integer.MAX_VALUE})
    void shouldWriteAndReadWhatTheFormatDoes(int serial) throws Exception {
        for (Request request : List.of(run("a"), run("a"), run("b"), new Ping(), run("b"))) {
            Call call = new Call(serial, request);
            ByteBuffer bytes = written(call);
            assertThat(bytes).isEqualTo(ByteBuffer.wrap(kryo.write(call)));
            assertThat(reader.readClient(bytes)).isEqualTo(call);
        }
        assertThat(reader.readClient(written(new ClientFrame.Kill(serial))))
                .isEqualTo(new ClientFrame.Kill(serial));
    }

    @Test
    void shouldReadTheSameRequestAgainWithoutMakingIt() throws Exception {
        Call first = (Call) reader.readClient(written(new Call(1, run("a"))));
        reader.readClient(written(new Call(2, new Ping())));
        Call second = (Call) reader.readClient(written(new Call(300, run("a"))));
        assertThat(second.serial()).isEqualTo(300);
        assertThat(second.request()).isSameAs(first.request());
    }

    /**
     * Each byte of a repeated call changed to each value: as the format reads it, or not at all.
     */
    @Test
    void shouldBeAsStrictAsTheFormat() throws Exception {
        byte[] bytes = kryo.write(new Call(200, run("a")));
        reader.readClient(ByteBuffer.wrap(bytes));
        for (int at = 0; at < bytes.length; at++) {
            for (int value = 0; value < 256; value++) {
                byte[] changed = bytes.clone();
                changed[at] = (byte) value;
                assertAsTheFormat(changed);
            }
        }
        for (int length = 0; length < bytes.length; length++) {
            assertAsTheFormat(Arrays.copyOf(bytes, length));
        }
    }

    private void assertAsTheFormat(byte[] bytes) throws Exception {
        LatestCall fresh = new LatestCall(kryo);
        fresh.readClient(ByteBuffer.wrap(kryo.write(new Call(200, run("a")))));
        ClientFrame expected;
        try {
            expected = kryo.readClient(bytes);
        } catch (ProtocolException e) {
            assertThatThrownBy(() -> fresh.readClient(ByteBuffer.wrap(bytes)))
                    .isInstanceOf(ProtocolException.class);
            return;
        }
        assertThat(fresh.readClient(ByteBuffer.wrap(bytes))).isEqualTo(expected);
    }
}
