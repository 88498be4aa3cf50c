// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.program.BadReplyException;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.SyscallProgram;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.newsclub.net.unix.AFSocketType;
import org.newsclub.net.unix.AFUNIXDatagramChannel;
import org.newsclub.net.unix.AFUNIXSocketPair;
import org.newsclub.net.unix.FileDescriptorCast;

/**
 * The worker's end of the SEQPACKET socket to one init (or to the zygote): programs and descriptors
 * go out, replies and descriptors come back. One thread may send while another receives. Every
 * {@link IOException} means that the process at the other end is lost.
 */
public final class InitChannel implements AutoCloseable {
    /** Buffers of a whole message, shared: a blocked receiver holds none. */
    private static final ConcurrentLinkedQueue<ByteBuffer> BUFFERS = new ConcurrentLinkedQueue<>();

    /** Room for a control message with as many descriptors as there can be: cmsg(3). */
    private static final int ANCILLARY_BYTES =
            32 + SyscallProgram.MAX_DESCRIPTORS * Integer.BYTES;

    private final AFUNIXDatagramChannel channel;
    private final int number;

    private InitChannel(AFUNIXDatagramChannel channel) throws IOException {
        this.channel = channel;
        this.number = numberOf(channel.getFileDescriptor());
    }

    /** Both ends of a new channel: the worker's, and the one to give to the process. */
    record Pair(InitChannel ours, Fd theirs) {}

    static Pair open() throws IOException {
        AFUNIXSocketPair<AFUNIXDatagramChannel> pair =
                AFUNIXSocketPair.openDatagram(AFSocketType.SOCK_SEQPACKET);
        AFUNIXDatagramChannel ours = pair.getSocket1();
        try (AFUNIXDatagramChannel theirs = pair.getSocket2()) {
            // or closing our copy of their end would shut the socket down for both
            theirs.setShutdownOnClose(false);
            for (AFUNIXDatagramChannel end : List.of(ours, theirs)) {
                end.setOption(StandardSocketOptions.SO_SNDBUF, SyscallProgram.MAX_BYTES);
            }
            int copy =
                    LibC.fcntl(
                            numberOf(theirs.getFileDescriptor()),
                            Linux.F_DUPFD_CLOEXEC,
                            Linux.SOCK + 2L);
            if (copy == -1) {
                throw new SystemCallException("fcntl", "socket of init", LibC.errno());
            }
            ours.setAncillaryReceiveBufferSize(ANCILLARY_BYTES);
            return new Pair(new InitChannel(ours), Fd.own(copy, "socket of init"));
        } catch (IOException | RuntimeException e) {
            ours.close();
            throw e;
        }
    }

    private static int numberOf(FileDescriptor descriptor) throws IOException {
        return FileDescriptorCast.using(descriptor).as(Integer.class);
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
            buffer.flip();
            List<Fd> descriptors = program.descriptors();
            if (!descriptors.isEmpty()) {
                FileDescriptor[] out = new FileDescriptor[descriptors.size()];
                for (int i = 0; i < out.length; i++) {
                    out[i] =
                            FileDescriptorCast.unsafeUsing(descriptors.get(i).number())
                                    .getFileDescriptor();
                }
                channel.setOutboundFileDescriptors(out);
            }
            channel.write(buffer);
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
        return receive(Optional.empty());
    }

    /**
     * Waits for the next reply, at most for a time.
     *
     * @throws IOException as {@link #receive()}, or when none has come by then
     */
    ProgramResult receive(Duration limit) throws IOException {
        return receive(Optional.of(limit));
    }

    private ProgramResult receive(Optional<Duration> limit) throws IOException {
        awaitReadable(limit);
        ByteBuffer buffer = takeBuffer();
        try {
            int n = channel.read(buffer);
            List<Fd> descriptors = takeDescriptors();
            if (n <= 0) {
                descriptors.forEach(Fd::close);
                throw new EOFException("init has closed its socket");
            }
            try {
                return ProgramResult.decode(buffer.flip(), descriptors);
            } catch (BadReplyException e) {
                descriptors.forEach(Fd::close);
                throw e;
            }
        } catch (ClosedChannelException e) {
            throw new EOFException("the channel to init is closed");
        } finally {
            BUFFERS.add(buffer);
        }
    }

    /** Blocks without a buffer, so that an idle container does not own one. */
    private void awaitReadable(Optional<Duration> limit) throws IOException {
        Optional<Long> deadline = limit.map(time -> System.nanoTime() + time.toNanos());
        ByteBuffer poll = ByteBuffer.allocate(Linux.pollfd_SIZE).order(ByteOrder.nativeOrder());
        poll.putInt(Linux.pollfd_fd, number);
        poll.putShort(Linux.pollfd_events, (short) Linux.POLLIN);
        do {
            if (!channel.isOpen()) {
                throw new EOFException("the channel to init is closed");
            }
            int n = LibC.poll(poll.array(), 1, deadline.map(InitChannel::millisUntil).orElse(-1));
            if (n == -1 && !LibC.errno().equals(Errno.EINTR)) {
                throw new SystemCallException("poll", "socket of init", LibC.errno());
            }
            if (n > 0) {
                return;
            }
            if (n == 0) {
                throw new IOException("no answer in time");
            }
        } while (true);
    }

    private static int millisUntil(long deadline) {
        long left = Math.max(0, deadline - System.nanoTime());
        return (int) Math.ceilDiv(left, 1_000_000L);
    }

    /**
     * Takes the descriptors out of junixsocket's hands: it would close them with the channel, and
     * they are not close-on-exec.
     */
    private List<Fd> takeDescriptors() throws IOException {
        FileDescriptor[] received = channel.getReceivedFileDescriptors();
        if (received == null || received.length == 0) {
            return List.of();
        }
        List<Fd> owned = new ArrayList<>(received.length);
        for (FileDescriptor descriptor : received) {
            int copy = LibC.fcntl(numberOf(descriptor), Linux.F_DUPFD_CLOEXEC, 0);
            Errno errno = copy == -1 ? LibC.errno() : Errno.NONE;
            new FileInputStream(descriptor).close();
            if (copy == -1) {
                owned.forEach(Fd::close);
                throw new SystemCallException("fcntl", "a received descriptor", errno);
            }
            owned.add(Fd.own(copy, "received from init"));
        }
        return owned;
    }

    private static ByteBuffer takeBuffer() {
        ByteBuffer buffer = BUFFERS.poll();
        return buffer == null
                ? ByteBuffer.allocateDirect(SyscallProgram.MAX_BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN)
                : buffer.clear();
    }

    /** Ends the process at the other end, and a receiver blocked here. */
    @Override
    public void close() throws IOException {
        channel.close();
    }
}
