// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.program.BadReplyException;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.nativeio.socket.Packet;
import io.cloister.nativeio.socket.PacketSocket;
import io.cloister.nativeio.socket.PacketTruncatedException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The worker's end of the SEQPACKET socket to one init (or to the zygote): programs and descriptors
 * go out, replies and descriptors come back. One thread may send while another receives. Every
 * {@link IOException} means that the process at the other end is lost.
 */
public final class InitChannel implements AutoCloseable {
    /** Buffers of a whole message, shared: a blocked receiver holds none. */
    private static final ConcurrentLinkedQueue<ByteBuffer> BUFFERS = new ConcurrentLinkedQueue<>();

    private static final Duration FOR_EVER = Duration.ofDays(36_500);

    private final PacketSocket socket;

    private InitChannel(PacketSocket socket) {
        this.socket = socket;
    }

    /** Both ends of a new channel: the worker's, and the one to give to the process. */
    public record Pair(InitChannel ours, Fd theirs) {}

    /** Makes both ends. */
    public static Pair open() throws IOException {
        PacketSocket.Pair pair = PacketSocket.pair("init");
        return new Pair(new InitChannel(pair.ours()), pair.theirs());
    }

    /**
     * Sends a program. Its descriptors stay the caller's.
     *
     * @param serial what the replies to it will carry
     * @throws IOException when the process is lost
     */
    public void send(int serial, SyscallProgram program) throws IOException {
        ByteBuffer buffer = takeBuffer();
        try {
            program.encode(serial, buffer);
            socket.send(buffer.flip(), program.descriptors());
        } finally {
            BUFFERS.add(buffer);
        }
    }

    /**
     * Waits for the next reply, for as long as it takes.
     *
     * @throws EOFException when the process has ended or this end was closed
     * @throws BadReplyException when what came is not a reply
     * @throws IOException when the process is lost for another reason
     */
    public ProgramResult receive() throws IOException {
        return receive(FOR_EVER);
    }

    /**
     * Waits for the next reply, at most for a time. Blocks without a buffer, so that an idle
     * container does not own one.
     *
     * @throws IOException as {@link #receive()}, or when none has come by then
     */
    ProgramResult receive(Duration limit) throws IOException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (socket.awaitReadable(Duration.ofNanos(deadline - System.nanoTime()))) {
            Optional<ProgramResult> reply = receiveNow();
            if (reply.isPresent()) {
                return reply.get();
            }
        }
        throw new IOException("no answer in time");
    }

    /**
     * The reply that is there, if one is; does not wait.
     *
     * @throws IOException as {@link #receive()}
     */
    public Optional<ProgramResult> receiveNow() throws IOException {
        ByteBuffer buffer = takeBuffer();
        try {
            Optional<Packet> packet = socket.receiveNow(buffer);
            return packet.isEmpty() ? Optional.empty() : Optional.of(decode(packet.get()));
        } catch (PacketTruncatedException e) {
            throw new BadReplyException("more than there can be");
        } finally {
            BUFFERS.add(buffer);
        }
    }

    private ProgramResult decode(Packet packet) throws BadReplyException {
        try {
            return ProgramResult.decode(packet.bytes(), packet.descriptors());
        } catch (BadReplyException | RuntimeException e) {
            socket.discard(packet.descriptors());
            throw e;
        }
    }

    /**
     * Another descriptor of the socket, to wait for replies by; the caller's. It is readable when a
     * reply is there, and when the process is lost or this end is closed.
     */
    public Fd readiness() throws IOException {
        return socket.readiness();
    }

    private static ByteBuffer takeBuffer() {
        ByteBuffer buffer = BUFFERS.poll();
        return buffer == null
                ? ByteBuffer.allocateDirect(SyscallProgram.MAX_BYTES).order(ByteOrder.LITTLE_ENDIAN)
                : buffer.clear();
    }

    /**
     * Ends the process at the other end. A thread that sends or receives here leaves with an
     * exception before the descriptor is closed, so that none ever uses its number for another
     * file.
     */
    @Override
    public void close() throws IOException {
        socket.close();
    }
}
