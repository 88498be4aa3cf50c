// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.socket;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.SlowCloser;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One end of a connected SEQPACKET Unix socket, unix(7): packets go both ways whole, with
 * descriptors beside them. One thread may send while another receives. An {@link EOFException} says
 * that the other end, or this one, is closed.
 *
 * <p>Nothing of what the peer does makes a call here wait, but {@link #send}, {@link #receive}, and
 * {@link #close} of a socket that was not accepted.
 */
public final class PacketSocket implements AutoCloseable {
    /** Most descriptors with a packet. */
    public static final int MAX_DESCRIPTORS = Linux.SCM_MAX_FD;

    /** What is asked for; the kernel bounds it by net.core.wmem_max. */
    private static final int SEND_BUFFER_BYTES = 256 * 1024;

    /** For how long a connection may be waited for, as other calls that wait for a service. */
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(5);

    /** NGROUPS_MAX, the most groups of a process. */
    private static final int MOST_GROUPS = 65_536;

    /** Packets without descriptors that are dropped to find out whether one has some. */
    private static final int MOST_DROPPED = 1024;

    private final Fd socket;
    private final String received;
    private final boolean ofStranger;
    private volatile SlowCloser discarded;
    private final MessageHeader in = new MessageHeader();
    private @Nullable MessageHeader out;
    private @Nullable JunixSender sender;
    private final ReentrantLock sending = new ReentrantLock();
    private final ReentrantLock receiving = new ReentrantLock();
    private volatile boolean closed;

    private PacketSocket(Fd socket, String what, boolean ofStranger) {
        this.socket = socket;
        this.ofStranger = ofStranger;
        this.received = "received from " + what;
        this.discarded = new SlowCloser("descriptors " + received);
    }

    /** Both ends of a new connection: one to use, and the one to give to another process. */
    public record Pair(PacketSocket ours, Fd theirs) {}

    /**
     * Makes both ends.
     *
     * @param what who has the other end, for messages
     */
    public static Pair pair(String what) throws IOException {
        int[] ends = new int[2];
        int type = Linux.SOCK_SEQPACKET | Linux.SOCK_CLOEXEC;
        int made = LibC.socketpair(Linux.AF_UNIX, type, 0, ends);
        SystemCallException.check(made, "socketpair", "of " + what);
        PacketSocket ours = adopt(Fd.own(ends[0], "socket to " + what), what);
        Fd theirs = Fd.own(ends[1], "socket of " + what);
        try {
            setSendBuffer(theirs);
            ours.sender = JunixSender.of(ours.socket); // while nobody waits for it
            return new Pair(ours, theirs);
        } catch (IOException | RuntimeException e) {
            ours.close();
            theirs.close();
            throw e;
        }
    }

    /** Takes a connected socket over. */
    static PacketSocket adopt(Fd connected, String what) {
        setSendBuffer(connected);
        return new PacketSocket(connected, what, false);
    }

    /** Takes a socket over at whose other end is who connected to it. */
    static PacketSocket accepted(Fd connected, String what) {
        setSendBuffer(connected);
        return new PacketSocket(connected, what, true);
    }

    private static void setSendBuffer(Fd socket) { // best effort
        IntByReference bytes = new IntByReference(SEND_BUFFER_BYTES);
        LibC.setsockopt(socket.number(), Linux.SOL_SOCKET, Linux.SO_SNDBUF, bytes, Integer.BYTES);
    }

    /**
     * Connects to a socket that listens; waits at most 5 seconds for room in its backlog.
     *
     * @throws IOException that names the path and what to do
     */
    public static PacketSocket connect(Path path) throws IOException {
        return connect(path, CONNECT_LIMIT);
    }

    static PacketSocket connect(Path path, Duration limit) throws IOException {
        String what = path.toString();
        int number = LibC.socket(Linux.AF_UNIX, Linux.SOCK_SEQPACKET | Linux.SOCK_CLOEXEC, 0);
        SystemCallException.check(number, "socket", what);
        Fd socket = Fd.own(number, "socket to " + what);
        try {
            setSendLimit(socket, limit);
            connect(socket, path, limit);
            setSendLimit(socket, Duration.ZERO);
            return adopt(socket, what);
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    /** SO_SNDTIMEO, which bounds connect(2) too; zero is none. */
    private static void setSendLimit(Fd socket, Duration limit) throws IOException {
        try (Memory timeval = new Memory(Linux.timeval_SIZE)) {
            timeval.setLong(Linux.timeval_tv_sec, limit.toSeconds());
            timeval.setLong(Linux.timeval_tv_usec, limit.toNanosPart() / 1000);
            int n = socket.number();
            int size = Linux.timeval_SIZE;
            int set = LibC.setsockopt(n, Linux.SOL_SOCKET, Linux.SO_SNDTIMEO, timeval, size);
            SystemCallException.check(set, "setsockopt SO_SNDTIMEO", socket.what());
        }
    }

    private static void connect(Fd socket, Path path, Duration limit) throws IOException {
        long deadline = System.nanoTime() + limit.toNanos();
        try (Memory address = UnixAddress.of(path)) {
            int size = Linux.sockaddr_un_SIZE;
            while (LibC.connect(socket.number(), address, size) == -1) {
                Errno errno = LibC.errno();
                if (!errno.equals(Errno.EINTR) || deadline - System.nanoTime() <= 0) {
                    throw new IOException("connect " + path + ": " + errno + adviceOn(errno));
                }
            }
        }
    }

    private static String adviceOn(Errno errno) {
        if (errno.equals(Errno.ENOENT)) {
            return "; start the service, or correct the path";
        }
        if (errno.equals(Errno.ECONNREFUSED)) {
            return "; the service that made this socket has ended: start it again";
        }
        if (errno.equals(Errno.EACCES)) {
            return "; let this user's groups have the socket, or its directories";
        }
        if (errno.equals(Errno.EAGAIN) || errno.equals(Errno.EINTR)) {
            return "; the service does not accept connections: it hangs, or too many clients wait";
        }
        if (errno.equals(Errno.EPROTOTYPE)) {
            return "; this is not a socket of packets: correct the path";
        }
        return "";
    }

    /**
     * Sends what remains in a buffer as one packet; waits for as long as the peer's queue is full.
     *
     * @param descriptors to send beside it; they stay the caller's
     * @throws IOException when the peer is gone, or the packet is longer than a socket takes
     */
    public void send(ByteBuffer packet, List<Fd> descriptors) throws IOException {
        check(packet, descriptors);
        sending.lock();
        try {
            requireOpen();
            if (sender == null) {
                sender = JunixSender.of(socket);
            }
            sender.send(packet, descriptors);
        } finally {
            sending.unlock();
        }
    }

    /**
     * Sends what remains in a direct buffer as one packet, if that can be done now.
     *
     * @param descriptors to send beside it; they stay the caller's
     * @return whether it was sent. If not, the peer's queue is full, which {@link #readiness} tells
     *     the end of; or more descriptors of this user are in flight than RLIMIT_NOFILE allows
     *     (ETOOMANYREFS), or another thread sends, of which it tells nothing: try again after a
     *     while
     * @throws EOFException when the peer is gone
     * @throws IOException when the packet is longer than a socket takes (EMSGSIZE), among others
     */
    public boolean trySend(ByteBuffer packet, List<Fd> descriptors) throws IOException {
        check(packet, descriptors);
        if (!sending.tryLock()) {
            requireOpen();
            return false;
        }
        try {
            requireOpen();
            if (out == null) {
                out = new MessageHeader();
            }
            int flags = Linux.MSG_DONTWAIT | Linux.MSG_NOSIGNAL;
            while (true) {
                long n = LibC.sendmsg(socket.number(), out.sending(packet, descriptors), flags);
                if (n >= 0) {
                    packet.position(packet.limit());
                    return true;
                }
                Errno errno = LibC.errno();
                if (errno.equals(Errno.EAGAIN) || errno.equals(Errno.ETOOMANYREFS)) {
                    return false;
                }
                if (!errno.equals(Errno.EINTR)) {
                    throw failure("sendmsg", errno);
                }
            }
        } finally {
            sending.unlock();
        }
    }

    /** An empty packet would be the end of the file to the peer. */
    private static void check(ByteBuffer packet, List<Fd> descriptors) {
        if (!packet.hasRemaining()) {
            throw new IllegalArgumentException("an empty packet");
        }
        if (descriptors.size() > MAX_DESCRIPTORS) {
            throw new IllegalArgumentException(
                    descriptors.size()
                            + " descriptors with a packet, which can have "
                            + MAX_DESCRIPTORS);
        }
    }

    /**
     * The packet that is there, if one is; does not wait.
     *
     * @param buffer direct; filled from its start, at most to its capacity
     * @throws EOFException when the peer is gone and all that it sent was received; an empty packet
     *     says so, too
     * @throws PacketTruncatedException when the packet did not fit
     * @throws IOException when the connection fails for another reason
     */
    public Optional<Packet> receiveNow(ByteBuffer buffer) throws IOException {
        if (!receiving.tryLock()) {
            requireOpen();
            return Optional.empty(); // it is the other receiver's
        }
        try {
            requireOpen();
            int flags = Linux.MSG_CMSG_CLOEXEC | Linux.MSG_DONTWAIT;
            long n = LibC.recvmsg(socket.number(), in.receiving(buffer), flags);
            if (n == -1 && LibC.errno().equals(Errno.ECONNRESET)) {
                // the peer has left something unread; told once, before what it had sent
                n = LibC.recvmsg(socket.number(), in.receiving(buffer), flags);
            }
            if (n == -1) {
                Errno errno = LibC.errno();
                if (errno.equals(Errno.EAGAIN) || errno.equals(Errno.EINTR)) {
                    return Optional.empty();
                }
                throw failure("recvmsg", errno);
            }
            List<Fd> descriptors = in.takeDescriptors(received);
            if (n > 0 && !in.isTruncated()) {
                return Optional.of(new Packet(buffer.clear().limit((int) n), descriptors));
            }
            discard(descriptors);
            if (n == 0) {
                throw new EOFException(socket.what() + ": the other end is closed");
            }
            throw new PacketTruncatedException(
                    "a packet %s is longer than %d bytes, or there was no room for its descriptors"
                            .formatted(received, buffer.capacity()));
        } finally {
            receiving.unlock();
        }
    }

    /**
     * Waits for the next packet, at most for a time.
     *
     * @return nothing if none has come by then
     * @throws IOException as {@link #receiveNow}
     */
    public Optional<Packet> receive(ByteBuffer buffer, Duration limit) throws IOException {
        long deadline = System.nanoTime() + limit.toNanos();
        Optional<Packet> packet = receiveNow(buffer);
        while (packet.isEmpty() && awaitReadable(Duration.ofNanos(deadline - System.nanoTime()))) {
            packet = receiveNow(buffer);
        }
        return packet;
    }

    /**
     * Waits until there is a packet, or the end, at most for a time. Needs no buffer.
     *
     * @return whether there is
     * @throws EOFException when this end is closed
     */
    public boolean awaitReadable(Duration limit) throws IOException {
        long deadline = System.nanoTime() + limit.toNanos();
        receiving.lock();
        try {
            ByteBuffer poll = ByteBuffer.allocate(Linux.pollfd_SIZE).order(ByteOrder.nativeOrder());
            while (true) {
                requireOpen();
                poll.putInt(Linux.pollfd_fd, socket.number());
                poll.putShort(Linux.pollfd_events, (short) Linux.POLLIN);
                int n = LibC.poll(poll.array(), 1, millisUntil(deadline));
                if (n > 0) {
                    requireOpen();
                    return true;
                }
                if (n == -1 && !LibC.errno().equals(Errno.EINTR)) {
                    throw new SystemCallException("poll", socket.what(), LibC.errno());
                }
                if (deadline - System.nanoTime() <= 0) {
                    return false;
                }
            }
        } finally {
            receiving.unlock();
        }
    }

    private static int millisUntil(long deadline) {
        long left = Math.max(0, deadline - System.nanoTime());
        return (int) Math.min(Integer.MAX_VALUE, Math.ceilDiv(left, 1_000_000L));
    }

    /**
     * Another descriptor of the socket, to wait by; the caller's. It is readable when a packet is
     * there, when the peer is gone and when this end is closed, and writable when {@link #trySend}
     * may succeed.
     */
    public Fd readiness() throws IOException {
        return socket.duplicate();
    }

    /**
     * Closes descriptors that came from this peer and that nobody wants, on a thread that may wait
     * for it.
     */
    public void discard(List<Fd> descriptors) {
        discarded.close(descriptors);
    }

    /**
     * Has the descriptors of all connections of a peer closed by one thread, and counted together.
     */
    public void discardBy(SlowCloser closer) {
        discarded = closer;
    }

    /** How many of the {@link #discard}ed ones are still open. */
    public int pendingDiscards() {
        return discarded.pending();
    }

    /** Sends no more: the peer reads the end of the file, and may still send. */
    public void endOutput() {
        if (!closed) {
            LibC.shutdown(socket.number(), Linux.SHUT_WR);
        }
    }

    /** Who is at the other end. */
    public PeerCredentials peer() throws IOException {
        try (Memory ucred = new Memory(Linux.ucred_SIZE)) {
            option(Linux.SO_PEERCRED, "SO_PEERCRED", ucred);
            return new PeerCredentials(
                    ucred.getInt(Linux.ucred_pid),
                    ucred.getInt(Linux.ucred_uid),
                    ucred.getInt(Linux.ucred_gid),
                    peerGroups());
        }
    }

    private Set<Integer> peerGroups() throws IOException {
        try (Memory gids = new Memory((long) MOST_GROUPS * Integer.BYTES)) {
            int count = option(Linux.SO_PEERGROUPS, "SO_PEERGROUPS", gids) / Integer.BYTES;
            Set<Integer> groups = new HashSet<>();
            for (int i = 0; i < count; i++) {
                groups.add(gids.getInt((long) i * Integer.BYTES));
            }
            return groups;
        }
    }

    private int option(int name, String words, Memory value) throws IOException {
        IntByReference length = new IntByReference((int) value.size());
        sending.lock(); // so that the number stays this socket's
        try {
            requireOpen();
            int n = socket.number();
            int got = LibC.getsockopt(n, Linux.SOL_SOCKET, name, value, length);
            SystemCallException.check(got, "getsockopt " + words, socket.what());
            return length.getValue();
        } finally {
            sending.unlock();
        }
    }

    private IOException failure(String call, Errno errno) {
        return errno.equals(Errno.EPIPE) || errno.equals(Errno.ECONNRESET)
                ? new EOFException(call + " " + socket.what() + ": " + errno)
                : new SystemCallException(call, socket.what(), errno);
    }

    private void requireOpen() throws EOFException {
        if (closed) {
            throw new EOFException(socket.what() + " is closed");
        }
    }

    /**
     * Closes this end; the peer reads the end of the file. A thread that sends or receives here
     * leaves with an exception before the descriptor is closed, so that none ever uses its number
     * for another file.
     *
     * <p>Closing a socket closes the descriptors that nobody has received from it, and may wait for
     * them as {@link SlowCloser} says. So that closes an accepted socket that has any.
     */
    @Override
    public void close() throws IOException {
        if (closed) {
            return;
        }
        closed = true;
        LibC.shutdown(socket.number(), Linux.SHUT_RDWR);
        sending.lock();
        receiving.lock();
        try {
            if (sender != null) {
                sender.close();
            }
            if (ofStranger && mayHoldDescriptors()) {
                discarded.close(List.of(socket));
            } else {
                socket.close();
            }
        } finally {
            receiving.unlock();
            sending.unlock();
        }
    }

    /**
     * Whether descriptors may have come that were not received; no more can come. With SO_PASSCRED
     * every packet, but not the end, has a control message: so an empty packet does not hide
     * others.
     */
    private boolean mayHoldDescriptors() {
        IntByReference on = new IntByReference(1);
        int n = socket.number();
        if (LibC.setsockopt(n, Linux.SOL_SOCKET, Linux.SO_PASSCRED, on, Integer.BYTES) == -1) {
            return true;
        }
        for (int i = 0; i < MOST_DROPPED; i++) {
            Pointer header = in.receivingCredentials();
            if (LibC.recvmsg(n, header, Linux.MSG_PEEK | Linux.MSG_DONTWAIT) == -1) {
                continue; // an error of the past is told once
            }
            if (in.lacksControl()) {
                return true;
            }
            if (!in.hasControl()) {
                return false;
            }
            LibC.recvmsg(n, in.receivingCredentials(), Linux.MSG_DONTWAIT);
        }
        return true;
    }
}
