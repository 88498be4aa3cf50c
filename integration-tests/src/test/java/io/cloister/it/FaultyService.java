// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.socket.Packet;
import io.cloister.nativeio.socket.PacketListener;
import io.cloister.nativeio.socket.PacketSocket;
import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.kryo.ProtocolKryo;
import io.cloister.protocol.message.Configured;
import io.cloister.protocol.message.ContainerState;
import io.cloister.protocol.message.Deleted;
import io.cloister.protocol.message.Pong;
import io.cloister.protocol.service.ClientFrame;
import io.cloister.protocol.service.Frame;
import io.cloister.protocol.service.FrameKryo;
import io.cloister.protocol.service.ServiceFrame;
import io.cloister.protocol.service.ServiceFrame.Welcome;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A service that says whatever a test wants: the same to each client, one after the other. It has
 * no containers.
 */
final class FaultyService implements AutoCloseable {
    private static final int BACKLOG = 16;

    /** What it does with a client, from the greeting on; then it hangs up. */
    @FunctionalInterface
    interface Script {
        void play(Client client) throws IOException;
    }

    private final PacketListener listener;
    private final Script script;
    private final Thread thread = new Thread(this::serve, "faulty-service");
    private final AtomicInteger served = new AtomicInteger();
    private volatile boolean closed;
    private volatile @Nullable PacketSocket current;
    private volatile @Nullable Throwable failure;

    private FaultyService(PacketListener listener, Script script) {
        this.listener = listener;
        this.script = script;
    }

    static FaultyService start(Path path, Script script) throws IOException {
        PacketListener listener =
                PacketListener.open(path, 0600, OptionalInt.empty(), OptionalInt.empty(), BACKLOG);
        FaultyService service = new FaultyService(listener, script);
        service.thread.start();
        return service;
    }

    static Welcome welcome() {
        return new Welcome(ProtocolKryo.VERSION, 1, new Configured(List.of()), "/w", 8);
    }

    /** How many clients it has hung up on. */
    int served() {
        return served.get();
    }

    private void serve() {
        try {
            while (!closed) {
                Optional<PacketSocket> next = listener.acceptNow();
                if (next.isEmpty()) {
                    Thread.sleep(1);
                    continue;
                }
                try (PacketSocket socket = next.get()) {
                    current = socket;
                    script.play(new Client(socket));
                } catch (EOFException e) {
                    // the client, or the test, has ended it
                }
                served.incrementAndGet();
            }
        } catch (IOException | InterruptedException | RuntimeException | AssertionError e) {
            failure = e;
        }
    }

    /** Hangs up on everybody. */
    @Override
    public void close() throws IOException, InterruptedException {
        closed = true;
        PacketSocket socket = current;
        if (socket != null) {
            socket.close();
        }
        thread.join();
        listener.close();
        if (failure != null) {
            throw new AssertionError("the script failed", failure);
        }
    }

    /** The other end of a connection. */
    static final class Client {
        private final FrameKryo kryo = new FrameKryo();
        private final ByteBuffer buffer = ByteBuffer.allocateDirect(Frame.MAX_BYTES);
        private final PacketSocket socket;

        private Client(PacketSocket socket) {
            this.socket = socket;
        }

        /** Descriptors that come beside it are closed. */
        ClientFrame receive() throws IOException {
            Packet packet =
                    socket.receive(buffer.clear(), Worker.PATIENCE)
                            .orElseThrow(() -> new AssertionError("the worker says nothing"));
            packet.descriptors().forEach(Fd::close);
            try {
                return kryo.readClient(packet.bytes());
            } catch (ProtocolException e) {
                throw new AssertionError(e);
            }
        }

        /** Gives it a container, of which it asks for a sign of life. */
        void welcome() throws IOException {
            welcome(FaultyService.welcome());
        }

        void welcome(Welcome welcome) throws IOException {
            receive();
            send(welcome);
            send(new ServiceFrame.Answer(call(), Pong.of(ContainerState.IDLE)));
        }

        /** The serial of the next call. */
        int call() throws IOException {
            return ((ClientFrame.Call) receive()).serial();
        }

        void send(ServiceFrame frame, Fd... descriptors) throws IOException {
            send(RawClient.bytes(frame), descriptors);
        }

        void send(byte[] packet, Fd... descriptors) throws IOException {
            ByteBuffer direct = ByteBuffer.allocateDirect(packet.length).put(packet).flip();
            if (!socket.trySend(direct, List.of(descriptors))) {
                throw new AssertionError("the worker does not read");
            }
        }

        /** Stays when the worker has said its last, until it closes the socket. */
        void linger() throws IOException {
            while (true) {
                send(new ServiceFrame.Answer(1, new Deleted()));
                LockSupport.parkNanos(1_000_000);
            }
        }

        /** Until the worker hangs up; what it says is not answered. */
        void hold() throws IOException {
            while (true) {
                receive();
            }
        }
    }
}
