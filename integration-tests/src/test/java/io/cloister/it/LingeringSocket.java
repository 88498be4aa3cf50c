// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import io.cloister.nativeio.fd.Fd;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/**
 * A TCP socket whose last close(2) waits (SO_LINGER, socket(7)), since nobody reads what it sends;
 * until this is closed.
 */
final class LingeringSocket implements AutoCloseable {
    private static final int SECONDS = 100;

    private final ServerSocketChannel sink;
    private final Fd socket;

    private LingeringSocket(ServerSocketChannel sink, Fd socket) {
        this.sink = sink;
        this.socket = socket;
    }

    static LingeringSocket open() throws IOException {
        ServerSocketChannel sink = ServerSocketChannel.open();
        sink.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        Set<Integer> before = sockets();
        try (SocketChannel channel = SocketChannel.open(sink.getLocalAddress())) {
            Set<Integer> number = sockets();
            number.removeAll(before);
            Fd original = Fd.own(number.iterator().next(), "lingering socket");
            Fd copy = original.duplicate();
            original.release();
            channel.setOption(StandardSocketOptions.SO_LINGER, SECONDS);
            channel.configureBlocking(false);
            ByteBuffer zeros = ByteBuffer.allocate(1 << 16);
            while (channel.write(zeros.clear()) > 0) {}
            return new LingeringSocket(sink, copy);
        }
    }

    private static Set<Integer> sockets() throws IOException {
        Set<Integer> numbers = new HashSet<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path each : all) {
                if (Files.isSymbolicLink(each)
                        && Files.readSymbolicLink(each).toString().startsWith("socket:")) {
                    numbers.add(Integer.parseInt(String.valueOf(each.getFileName())));
                }
            }
        }
        return numbers;
    }

    Fd socket() {
        return socket;
    }

    /** Closes the descriptor here: whoever was sent it has the last. */
    void leave() {
        socket.close();
    }

    /** Lets the close end. */
    @Override
    public void close() throws IOException {
        sink.accept().close(); // with bytes unread, which resets the connection
        socket.close();
        sink.close();
    }
}
