// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.socket.Packet;
import io.cloister.nativeio.socket.PacketSocket;
import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.message.Request;
import io.cloister.protocol.service.ClientFrame;
import io.cloister.protocol.service.Frame;
import io.cloister.protocol.service.FrameKryo;
import io.cloister.protocol.service.ServiceFrame;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/** A client of the service that sends whatever a test wants, in a test's own order. */
final class RawClient implements AutoCloseable {
    static final FrameKryo KRYO = new FrameKryo();

    private final ByteBuffer buffer = ByteBuffer.allocateDirect(Frame.MAX_BYTES);
    private final PacketSocket socket;

    private RawClient(PacketSocket socket) {
        this.socket = socket;
    }

    static RawClient connect(Path path) throws IOException {
        return new RawClient(PacketSocket.connect(path));
    }

    /** Says hello and gets a container. */
    RawClient welcomed() throws IOException {
        boolean welcomed = false;
        try {
            send(FrameKryo.hello("standard"));
            if (!(receive() instanceof ServiceFrame.Welcome)) {
                throw new IOException("no container now");
            }
            welcomed = true;
            return this;
        } finally {
            if (!welcomed) {
                close();
            }
        }
    }

    PacketSocket socket() {
        return socket;
    }

    static byte[] bytes(Frame frame) {
        try {
            return KRYO.write(frame);
        } catch (ProtocolException e) {
            throw new AssertionError(e);
        }
    }

    void send(byte[] packet, List<Fd> descriptors) throws IOException {
        ByteBuffer direct = ByteBuffer.allocateDirect(packet.length).put(packet).flip();
        assertThat(socket.trySend(direct, descriptors)).isTrue();
    }

    void send(ClientFrame frame, List<Fd> descriptors) throws IOException {
        send(bytes(frame), descriptors);
    }

    void send(ClientFrame frame) throws IOException {
        send(frame, List.of());
    }

    void call(int serial, Request request, Fd... descriptors) throws IOException {
        send(new ClientFrame.Call(serial, request), List.of(descriptors));
    }

    /** The next frame; descriptors that come with it are closed. */
    ServiceFrame receive() throws IOException {
        Packet packet = packet();
        packet.descriptors().forEach(Fd::close);
        return read(packet);
    }

    /** The next frame with what came beside it, the caller's to close. */
    Packet packet() throws IOException {
        return socket.receive(buffer.clear(), Worker.PATIENCE)
                .orElseThrow(() -> new AssertionError("the service says nothing"));
    }

    static ServiceFrame read(Packet packet) {
        try {
            return KRYO.readService(packet.bytes());
        } catch (ProtocolException e) {
            throw new AssertionError(e);
        }
    }

    /** What answers the call with this number, which must be the next frame. */
    Object answer(int serial) throws IOException {
        ServiceFrame frame = receive();
        assertThat(frame).isInstanceOf(ServiceFrame.Answer.class);
        ServiceFrame.Answer answer = (ServiceFrame.Answer) frame;
        assertThat(answer.serial()).isEqualTo(serial);
        return answer.reply();
    }

    /** Why the service ends the connection; it must do both next. */
    String refusal() throws IOException {
        ServiceFrame frame = receive();
        assertThat(frame).isInstanceOf(ServiceFrame.Refused.class);
        assertEnd();
        return ((ServiceFrame.Refused) frame).failure().describe();
    }

    /** Nothing comes any more. */
    void assertEnd() throws IOException {
        try {
            ServiceFrame frame = receive();
            throw new AssertionError("expected the end, not " + frame);
        } catch (EOFException e) {
            // as it should be
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
