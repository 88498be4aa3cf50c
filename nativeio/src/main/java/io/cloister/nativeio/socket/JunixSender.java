// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.socket;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.newsclub.net.unix.AFUNIXDatagramChannel;
import org.newsclub.net.unix.FileDescriptorCast;

/**
 * junixsocket's way to send by a socket that it did not make. Not for two threads at once.
 *
 * <p>It has a descriptor of its own, a duplicate, since junixsocket closes what it sends by once
 * the peer is gone (2.11.1), while the number might be in use elsewhere.
 */
final class JunixSender implements AutoCloseable {
    /** At most as many as descriptors were ever open at once. */
    private static final ConcurrentHashMap<Integer, FileDescriptor> JAVA_DESCRIPTORS =
            new ConcurrentHashMap<>();

    private final Fd socket;
    private final FileDescriptor number;
    private final AFUNIXDatagramChannel channel;

    private JunixSender(Fd socket, FileDescriptor number, AFUNIXDatagramChannel channel) {
        this.socket = socket;
        this.number = number;
        this.channel = channel;
    }

    /**
     * Adopts a duplicate of a SEQPACKET socket, which junixsocket cannot do (2.11.1). It can adopt
     * a datagram socket, whose place the duplicate then takes.
     */
    static JunixSender of(Fd socket) throws IOException {
        int made = LibC.socket(Linux.AF_UNIX, Linux.SOCK_DGRAM | Linux.SOCK_CLOEXEC, 0);
        SystemCallException.check(made, "socket", socket.what());
        Fd placeholder = Fd.own(made, socket.what());
        try {
            FileDescriptorCast cast = FileDescriptorCast.unsafeUsing(placeholder.number());
            AFUNIXDatagramChannel channel = cast.as(AFUNIXDatagramChannel.class);
            long replaced = LibC.dup3(socket.number(), placeholder.number(), Linux.O_CLOEXEC);
            SystemCallException.check(replaced, "dup3", socket.what());
            return new JunixSender(placeholder, cast.getFileDescriptor(), channel);
        } catch (IOException | RuntimeException e) {
            placeholder.close();
            throw e;
        }
    }

    /** Sends one packet; waits for room. */
    void send(ByteBuffer packet, List<Fd> descriptors) throws IOException {
        if (descriptors.isEmpty()) {
            channel.write(packet);
            return;
        }
        FileDescriptor[] outbound = new FileDescriptor[descriptors.size()];
        for (int i = 0; i < outbound.length; i++) {
            outbound[i] = javaDescriptor(descriptors.get(i).number());
        }
        try {
            channel.setOutboundFileDescriptors(outbound);
            channel.write(packet);
        } catch (IOException | RuntimeException e) {
            channel.setOutboundFileDescriptors(); // or the next packet would have them
            throw e;
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

    @Override
    public void close() throws IOException {
        channel.close();
        if (number.valid()) {
            socket.close();
        } else if (socket.isOpen()) {
            socket.release(); // junixsocket has closed it
        }
    }
}
