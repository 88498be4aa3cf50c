// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.ptr.IntByReference;
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
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.ReentrantLock;
import org.newsclub.net.unix.AFUNIXDatagramChannel;
import org.newsclub.net.unix.FileDescriptorCast;

/**
 * The worker's end of the SEQPACKET socket to one init (or to the zygote): programs and descriptors
 * go out, replies and descriptors come back. One thread may send while another receives. Every
 * {@link IOException} means that the process at the other end is lost.
 */
public final class InitChannel implements AutoCloseable {
    /** Buffers of a whole message, shared: a blocked receiver holds none. */
    private static final ConcurrentLinkedQueue<ByteBuffer> BUFFERS = new ConcurrentLinkedQueue<>();

    /** At most as many as descriptors were ever open at once. */
    private static final ConcurrentHashMap<Integer, FileDescriptor> JAVA_DESCRIPTORS =
            new ConcurrentHashMap<>();

    /** Room for a control message with as many descriptors as there can be: cmsg(3). */
    private static final int ANCILLARY_BYTES = 32 + SyscallProgram.MAX_DESCRIPTORS * Integer.BYTES;

    private static final Duration FOR_EVER = Duration.ofDays(36_500);

    /** Where recvmsg(2) finds its parts: a struct msghdr, a struct iovec, control messages. */
    private static final int IOVEC = Linux.msghdr_SIZE;

    private static final int CONTROL = IOVEC + Linux.iovec_SIZE;

    private final Memory header = new Memory(CONTROL + ANCILLARY_BYTES);
    private final Fd socket;
    private final AFUNIXDatagramChannel channel;
    private final ReentrantLock sending = new ReentrantLock();
    private final ReentrantLock receiving = new ReentrantLock();
    private volatile boolean closed;

    private InitChannel(Fd socket, AFUNIXDatagramChannel channel) {
        this.socket = socket;
        this.channel = channel;
    }

    /** Both ends of a new channel: the worker's, and the one to give to the process. */
    public record Pair(InitChannel ours, Fd theirs) {}

    /**
     * Makes both ends.
     *
     * <p>junixsocket can neither adopt a SEQPACKET socket nor make a pair without losing two other
     * descriptors (2.11.1). It adopts a datagram socket, though, whose place the real one then
     * takes; the descriptor stays ours to close.
     */
    public static Pair open() throws IOException {
        Fd[] placeholder = socketPair(Linux.SOCK_DGRAM);
        Fd[] pair = socketPair(Linux.SOCK_SEQPACKET);
        try (Fd unused = placeholder[1];
                Fd ours = pair[0]) {
            AFUNIXDatagramChannel channel =
                    FileDescriptorCast.unsafeUsing(placeholder[0].number())
                            .as(AFUNIXDatagramChannel.class);
            int replaced = LibC.dup3(ours.number(), placeholder[0].number(), Linux.O_CLOEXEC);
            if (replaced == -1) {
                throw new SystemCallException("dup3", ours.what(), LibC.errno());
            }
            return new Pair(new InitChannel(placeholder[0], channel), pair[1]);
        } catch (IOException | RuntimeException e) {
            placeholder[0].close();
            pair[1].close();
            throw e;
        }
    }

    private static Fd[] socketPair(int type) throws IOException {
        int[] ends = new int[2];
        if (LibC.socketpair(Linux.AF_UNIX, type | Linux.SOCK_CLOEXEC, 0, ends) == -1) {
            throw new SystemCallException("socketpair", "of init", LibC.errno());
        }
        Fd[] owned = {Fd.own(ends[0], "socket to init"), Fd.own(ends[1], "socket of init")};
        IntByReference bytes = new IntByReference(SyscallProgram.MAX_BYTES);
        for (Fd end : owned) { // best effort: the kernel bounds it by net.core.wmem_max
            LibC.setsockopt(end.number(), Linux.SOL_SOCKET, Linux.SO_SNDBUF, bytes, Integer.BYTES);
        }
        return owned;
    }

    /**
     * Sends a program. Its descriptors stay the caller's.
     *
     * @param serial what the replies to it will carry
     * @throws IOException when the process is lost
     */
    public void send(int serial, SyscallProgram program) throws IOException {
        ByteBuffer buffer = takeBuffer();
        sending.lock();
        try {
            requireOpen();
            program.encode(serial, buffer);
            buffer.flip();
            List<Fd> descriptors = program.descriptors();
            if (!descriptors.isEmpty()) {
                FileDescriptor[] out = new FileDescriptor[descriptors.size()];
                for (int i = 0; i < out.length; i++) {
                    out[i] = javaDescriptor(descriptors.get(i).number());
                }
                channel.setOutboundFileDescriptors(out);
            }
            channel.write(buffer);
        } finally {
            sending.unlock();
            BUFFERS.add(buffer);
        }
    }

    /**
     * What junixsocket takes for a descriptor: Java's object of the same number, which does not own
     * it. Made once for each number, for junixsocket looks each time at what it stands for.
     */
    private static FileDescriptor javaDescriptor(int number) throws IOException {
        FileDescriptor known = JAVA_DESCRIPTORS.get(number);
        if (known == null) {
            known = FileDescriptorCast.unsafeUsing(number).getFileDescriptor();
            JAVA_DESCRIPTORS.put(number, known);
        }
        return known;
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
     * Waits for the next reply, at most for a time.
     *
     * @throws IOException as {@link #receive()}, or when none has come by then
     */
    ProgramResult receive(Duration limit) throws IOException {
        receiving.lock();
        try {
            awaitReadable(limit);
            ByteBuffer buffer = takeBuffer();
            try {
                return read(buffer, 0);
            } finally {
                BUFFERS.add(buffer);
            }
        } finally {
            receiving.unlock();
        }
    }

    /**
     * The reply that is there, if one is; does not wait.
     *
     * @throws IOException as {@link #receive()}
     */
    public Optional<ProgramResult> receiveNow() throws IOException {
        receiving.lock();
        try {
            requireOpen();
            ByteBuffer buffer = takeBuffer();
            try {
                return Optional.of(read(buffer, Linux.MSG_DONTWAIT));
            } catch (SystemCallException e) {
                if (e.errno().equals(Errno.EAGAIN) || e.errno().equals(Errno.EINTR)) {
                    return Optional.empty();
                }
                throw e;
            } finally {
                BUFFERS.add(buffer);
            }
        } finally {
            receiving.unlock();
        }
    }

    /**
     * Another descriptor of the socket, to wait for replies by; the caller's. It is readable when a
     * reply is there, and when the process is lost or this end is closed.
     */
    public Fd readiness() throws IOException {
        return socket.duplicate();
    }

    private ProgramResult read(ByteBuffer buffer, int flags) throws IOException {
        header.clear();
        header.setPointer(Linux.msghdr_msg_iov, header.share(IOVEC));
        header.setLong(Linux.msghdr_msg_iovlen, 1);
        header.setPointer(Linux.msghdr_msg_control, header.share(CONTROL));
        header.setLong(Linux.msghdr_msg_controllen, ANCILLARY_BYTES);
        header.setPointer(IOVEC + Linux.iovec_iov_base, Native.getDirectBufferPointer(buffer));
        header.setLong(IOVEC + Linux.iovec_iov_len, buffer.capacity());
        long n = LibC.recvmsg(socket.number(), header, Linux.MSG_CMSG_CLOEXEC | flags);
        if (n == -1) {
            throw new SystemCallException("recvmsg", socket.what(), LibC.errno());
        }
        List<Fd> descriptors = takeDescriptors();
        try {
            if (n == 0) {
                throw new EOFException("its socket is closed");
            }
            int cut = Linux.MSG_TRUNC | Linux.MSG_CTRUNC;
            if ((header.getInt(Linux.msghdr_msg_flags) & cut) != 0) {
                throw new BadReplyException("more than there can be");
            }
            return ProgramResult.decode(buffer.limit((int) n), descriptors);
        } catch (IOException | RuntimeException e) {
            descriptors.forEach(Fd::close);
            throw e;
        }
    }

    /** Owns what came along: at most one control message, for init has nothing else to send. */
    private List<Fd> takeDescriptors() {
        if (header.getLong(Linux.msghdr_msg_controllen) < Linux.cmsghdr_SIZE
                || header.getInt(CONTROL + Linux.cmsghdr_cmsg_type) != Linux.SCM_RIGHTS) {
            return List.of();
        }
        long bytes = header.getLong(CONTROL + Linux.cmsghdr_cmsg_len) - Linux.cmsghdr_SIZE;
        List<Fd> owned = new ArrayList<>();
        for (long at = 0; at < bytes; at += Integer.BYTES) {
            int number = header.getInt(CONTROL + Linux.cmsghdr_SIZE + at);
            owned.add(Fd.own(number, "received from init"));
        }
        return owned;
    }

    private void requireOpen() throws EOFException {
        if (closed) {
            throw new EOFException("the channel to it is closed");
        }
    }

    /** Blocks without a buffer, so that an idle container does not own one. */
    private void awaitReadable(Duration limit) throws IOException {
        long deadline = System.nanoTime() + limit.toNanos();
        ByteBuffer poll = ByteBuffer.allocate(Linux.pollfd_SIZE).order(ByteOrder.nativeOrder());
        int n;
        do {
            requireOpen();
            poll.putInt(Linux.pollfd_fd, socket.number());
            poll.putShort(Linux.pollfd_events, (short) Linux.POLLIN);
            n = LibC.poll(poll.array(), 1, millisUntil(deadline));
            if (n == -1 && !LibC.errno().equals(Errno.EINTR)) {
                throw new SystemCallException("poll", socket.what(), LibC.errno());
            }
            if (n == 0 && deadline - System.nanoTime() <= 0) {
                throw new IOException("no answer in time");
            }
        } while (n <= 0);
        requireOpen();
    }

    private static int millisUntil(long deadline) {
        long left = Math.max(0, deadline - System.nanoTime());
        return (int) Math.min(Integer.MAX_VALUE, Math.ceilDiv(left, 1_000_000L));
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
        closed = true;
        if (socket.isOpen()) {
            LibC.shutdown(socket.number(), Linux.SHUT_RDWR);
        }
        sending.lock();
        receiving.lock();
        try {
            channel.close();
            socket.close();
        } finally {
            receiving.unlock();
            sending.unlock();
        }
    }
}
