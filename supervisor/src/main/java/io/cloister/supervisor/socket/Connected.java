// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.socket;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.socket.Packet;
import io.cloister.nativeio.socket.PacketSocket;
import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.kryo.ProtocolKryo;
import io.cloister.protocol.service.Frame;
import io.cloister.protocol.service.FrameKryo;
import io.cloister.protocol.service.ServiceFrame;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/**
 * A connection to the service that has a container.
 *
 * @param path of the service's socket, for messages
 */
public record Connected(Path path, PacketSocket socket, ServiceFrame.Welcome welcome) {
    /**
     * Connects and waits for a container. Blocks.
     *
     * @throws IOException saying why there is none and what to do
     */
    public static Connected open(SocketSettings settings) throws IOException {
        PacketSocket socket = PacketSocket.connect(settings.path());
        try {
            FrameKryo kryo = new FrameKryo();
            ByteBuffer buffer = ByteBuffer.allocateDirect(Frame.MAX_BYTES);
            kryo.write(FrameKryo.hello(settings.profile()), buffer);
            greet(socket, buffer.flip());
            Packet packet =
                    socket.receive(buffer.clear(), settings.timeout())
                            .orElseThrow(() -> new IOException("it did not answer in time"));
            packet.descriptors().forEach(Fd::close);
            return switch (kryo.readService(packet.bytes())) {
                case ServiceFrame.Welcome welcome when !packet.descriptors().isEmpty() ->
                        throw new IOException("descriptors came with its first answer");
                case ServiceFrame.Welcome welcome when !isKnown(welcome.version()) ->
                        throw new IOException(
                                "it speaks version %d of the frames, this worker %d to %d: have"
                                                .formatted(
                                                        welcome.version(),
                                                        ProtocolKryo.OLDEST_VERSION,
                                                        ProtocolKryo.VERSION)
                                        + " both of the same release");
                case ServiceFrame.Welcome welcome ->
                        new Connected(settings.path(), socket, welcome);
                case ServiceFrame.Refused refused ->
                        throw new IOException(refused.failure().describe());
                case ServiceFrame other ->
                        throw new IOException("its first answer is none to a greeting");
            };
        } catch (ProtocolException e) {
            socket.close();
            throw new IOException("its first answer cannot be read: " + e.getMessage(), e);
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    private static boolean isKnown(int version) {
        return version >= ProtocolKryo.OLDEST_VERSION && version <= ProtocolKryo.VERSION;
    }

    private static void greet(PacketSocket socket, ByteBuffer greeting) throws IOException {
        try {
            if (!socket.trySend(greeting, List.of())) {
                throw new IOException("its socket takes no greeting");
            }
        } catch (EOFException e) {
            // who is refused is told why, and then not listened to
        }
    }
}
