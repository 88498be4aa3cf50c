// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.sun.jna.Memory;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.testkit.OpenDescriptors;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class PacketSocketTest {
    private static final Duration DEADLINE = Duration.ofSeconds(20);

    private final ByteBuffer buffer = ByteBuffer.allocateDirect(1024);
    private PacketSocket ours;
    private PacketSocket theirs;

    @BeforeEach
    void open() throws IOException {
        PacketSocket.Pair pair = PacketSocket.pair("peer");
        ours = pair.ours();
        theirs = PacketSocket.adopt(pair.theirs(), "other peer");
        theirs.send(packet("opens what sends"), List.of());
        assertThat(ours.receive(buffer, DEADLINE)).isPresent();
    }

    @AfterEach
    void close() throws IOException {
        ours.close();
        theirs.close();
    }

    private static ByteBuffer packet(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }

    private static String text(Packet packet) {
        return StandardCharsets.US_ASCII.decode(packet.bytes()).toString();
    }

    @ParameterizedTest
    @CsvSource({"true,0", "true,1", "true,250", "true,253", "false,0", "false,250", "false,253"})
    void shouldCarryAPacketWithDescriptors(boolean trying, int count) throws Exception {
        List<Fd> files = memFds(count);
        ByteBuffer packet = packet("hello");
        Map<Integer, String> before = OpenDescriptors.own();
        if (trying) {
            assertThat(theirs.trySend(packet, files)).isTrue();
        } else {
            theirs.send(packet, files);
        }
        assertThat(packet.hasRemaining()).isFalse();

        Packet received = ours.receive(buffer, DEADLINE).orElseThrow();

        assertThat(text(received)).isEqualTo("hello");
        assertThat(received.descriptors()).hasSize(count);
        for (int i = 0; i < count; i++) {
            Fd fd = received.descriptors().get(i);
            assertThat(fd.readUpTo(20)).asString().isEqualTo("file " + i);
            assertThat(LibC.fcntl(fd.number(), Linux.F_GETFD, 0)).isEqualTo(Linux.FD_CLOEXEC);
        }
        received.descriptors().forEach(Fd::close);
        assertThat(OpenDescriptors.own()).hasSameSizeAs(before);
        files.forEach(Fd::close);
    }

    private static List<Fd> memFds(int count) throws IOException {
        List<Fd> files = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            files.add(MemFd.sealed("file", ("file " + i).getBytes(StandardCharsets.US_ASCII)));
        }
        return files;
    }

    @Test
    void shouldReceiveAllThatWasSentByAPeerThatLeavesSomethingUnread() throws Exception {
        ours.send(packet("unread"), List.of());
        theirs.send(packet("first"), List.of());
        theirs.send(packet("last"), List.of());
        theirs.close();

        assertThat(text(ours.receiveNow(buffer).orElseThrow())).isEqualTo("first");
        assertThat(text(ours.receiveNow(buffer).orElseThrow())).isEqualTo("last");
        assertThatThrownBy(() -> ours.receiveNow(buffer)).isInstanceOf(EOFException.class);
    }

    @Test
    void shouldRefuseMoreDescriptorsThanThereCanBe() throws Exception {
        try (Fd file = MemFd.writable("file")) {
            List<Fd> tooMany = java.util.Collections.nCopies(254, file);
            assertThatThrownBy(() -> ours.trySend(packet("x"), tooMany))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("253");
            assertThatThrownBy(() -> ours.send(packet("x"), tooMany))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> ours.trySend(packet(""), List.of()))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void shouldOwnTheDescriptorsOfEveryControlMessage() throws Exception {
        try (Fd file = MemFd.sealed("file", new byte[] {'f'});
                Memory message = messageWith(file, file)) {
            Map<Integer, String> before = OpenDescriptors.own();
            try (Fd raw = theirs.readiness()) {
                assertThat(LibC.sendmsg(raw.number(), message, 0)).isEqualTo(1);
            }

            Packet received = ours.receive(buffer, DEADLINE).orElseThrow();

            assertThat(received.descriptors()).hasSize(2);
            received.descriptors().forEach(Fd::close);
            assertThat(OpenDescriptors.own()).hasSameSizeAs(before);
        }
    }

    /** One byte, and a control message of its own for each descriptor. */
    private static Memory messageWith(Fd... descriptors) {
        int iovec = Linux.msghdr_SIZE;
        int data = iovec + Linux.iovec_SIZE;
        int control = data + Long.BYTES;
        int each = Linux.cmsghdr_SIZE + Long.BYTES;
        Memory message = new Memory(control + (long) each * descriptors.length);
        message.clear();
        message.setPointer(Linux.msghdr_msg_iov, message.share(iovec));
        message.setLong(Linux.msghdr_msg_iovlen, 1);
        message.setPointer(iovec + Linux.iovec_iov_base, message.share(data));
        message.setLong(iovec + Linux.iovec_iov_len, 1);
        message.setPointer(Linux.msghdr_msg_control, message.share(control));
        message.setLong(Linux.msghdr_msg_controllen, (long) each * descriptors.length);
        for (int i = 0; i < descriptors.length; i++) {
            long at = control + (long) i * each;
            message.setLong(at + Linux.cmsghdr_cmsg_len, Linux.cmsghdr_SIZE + Integer.BYTES);
            message.setInt(at + Linux.cmsghdr_cmsg_level, Linux.SOL_SOCKET);
            message.setInt(at + Linux.cmsghdr_cmsg_type, Linux.SCM_RIGHTS);
            message.setInt(at + Linux.cmsghdr_SIZE, descriptors[i].number());
        }
        return message;
    }

    @Test
    void shouldRefuseAPacketThatIsLongerThanTheBuffer() throws Exception {
        Map<Integer, String> before = OpenDescriptors.own();
        try (Fd file = MemFd.writable("file")) {
            theirs.send(packet("x".repeat(1025)), List.of(file, file));
            theirs.send(packet("next"), List.of());
        }

        assertThatThrownBy(() -> ours.receive(buffer, DEADLINE))
                .isInstanceOf(PacketTruncatedException.class)
                .hasMessageContaining("1024 bytes");

        await().atMost(DEADLINE).until(() -> ours.pendingDiscards() == 0);
        assertThat(OpenDescriptors.own()).hasSameSizeAs(before);
        assertThat(ours.receiveNow(buffer).map(PacketSocketTest::text)).contains("next");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void shouldRefuseToSendMoreThanASocketTakesAndSendTheNext(boolean trying) throws Exception {
        ByteBuffer huge = ByteBuffer.allocateDirect(64 << 20);
        try (Fd file = MemFd.writable("file")) {
            assertThatThrownBy(
                            () -> {
                                if (trying) {
                                    theirs.trySend(huge, List.of(file));
                                } else {
                                    theirs.send(huge, List.of(file));
                                }
                            })
                    .isInstanceOf(IOException.class)
                    .isNotInstanceOf(EOFException.class);
        }

        theirs.send(packet("next"), List.of());

        Packet next = ours.receive(buffer, DEADLINE).orElseThrow();
        assertThat(text(next)).isEqualTo("next");
        assertThat(next.descriptors()).isEmpty();
    }

    @Test
    void shouldSayThatAFullQueueTakesNothingNow() throws Exception {
        try (Fd readiness = theirs.readiness()) {
            int sent = 0;
            while (theirs.trySend(packet("packet"), List.of())) {
                sent++;
            }
            assertThat(sent).isPositive();
            assertThat(readiness.isWritable()).isFalse();
            for (int i = 0; i < sent; i++) {
                assertThat(ours.receiveNow(buffer)).isPresent();
            }
            assertThat(ours.receiveNow(buffer)).isEmpty();
            assertThat(readiness.isWritable()).isTrue();
            assertThat(theirs.trySend(packet("packet"), List.of())).isTrue();
        }
    }

    @Test
    void shouldTellWhenThereIsSomethingToReceive() throws Exception {
        try (Fd readiness = ours.readiness()) {
            assertThat(readiness.isReadable()).isFalse();
            assertThat(ours.receiveNow(buffer)).isEmpty();
            assertThat(ours.receive(buffer, Duration.ofMillis(1))).isEmpty();
            theirs.send(packet("one"), List.of());
            assertThat(readiness.isReadable()).isTrue();
            assertThat(ours.receiveNow(buffer).map(PacketSocketTest::text)).contains("one");
            theirs.close();
            assertThat(readiness.isReadable()).isTrue();
            assertThatThrownBy(() -> ours.receiveNow(buffer)).isInstanceOf(EOFException.class);
        }
    }

    @Test
    void shouldTellWhetherThePeerIsGone() throws Exception {
        ours.send(packet("never read"), List.of());
        theirs.close();

        assertThatThrownBy(() -> ours.trySend(packet("x"), List.of()))
                .isInstanceOf(EOFException.class);
        assertThatThrownBy(() -> ours.send(packet("x"), List.of())).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> ours.receiveNow(buffer)).isInstanceOf(EOFException.class);
    }

    @Test
    void shouldNotLoseItsNumberWhenASendFails() throws Exception {
        theirs.close();
        assertThatThrownBy(() -> ours.send(packet("x"), List.of())).isInstanceOf(IOException.class);
        List<Fd> others = memFds(50); // one of which has any number that is free
        Map<Integer, String> before = OpenDescriptors.own();

        ours.close();

        Map<Integer, String> closed = new TreeMap<>(before);
        closed.keySet().removeAll(OpenDescriptors.own().keySet());
        assertThat(closed.values())
                .hasSize(1)
                .allSatisfy(what -> assertThat(what).startsWith("socket:"));
        others.forEach(Fd::close);
    }

    @Test
    void shouldTakeAnEmptyPacketForTheEndAndCloseWhatCameWithIt() throws Exception {
        try (Fd file = MemFd.writable("file");
                Memory message = messageWith(file);
                Fd raw = theirs.readiness()) {
            message.setLong(Linux.msghdr_SIZE + Linux.iovec_iov_len, 0);
            Map<Integer, String> before = OpenDescriptors.own();
            assertThat(LibC.sendmsg(raw.number(), message, 0)).isZero();

            assertThatThrownBy(() -> ours.receiveNow(buffer)).isInstanceOf(EOFException.class);

            await().atMost(DEADLINE).until(() -> ours.pendingDiscards() == 0);
            assertThat(OpenDescriptors.own()).hasSameSizeAs(before);
        }
    }

    @Test
    void shouldEndWhoeverWaitsWhenItIsClosed() throws Exception {
        while (ours.trySend(packet("fill"), List.of())) {}
        CompletableFuture<?> receiver = elsewhere(() -> ours.receive(buffer, DEADLINE));
        CompletableFuture<?> sender =
                elsewhere(() -> {
                    ours.send(packet("waits"), List.of());
                    return Optional.empty();
                });
        assertThat(ours.trySend(packet("not now"), List.of())).isFalse();
        assertThat(ours.receiveNow(ByteBuffer.allocateDirect(10))).isEmpty();

        ours.close();

        assertThatThrownBy(() -> receiver.get(20, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(EOFException.class);
        assertThatThrownBy(() -> sender.get(20, TimeUnit.SECONDS))
                .hasCauseInstanceOf(IOException.class);
        assertThatThrownBy(() -> ours.trySend(packet("x"), List.of()))
                .isInstanceOf(EOFException.class);
        assertThatThrownBy(ours::peer).isInstanceOf(EOFException.class);
        ours.close(); // twice
    }

    private interface Step {
        Optional<?> run() throws IOException;
    }

    /** Runs what waits in a thread of its own, and returns once it does. */
    private static CompletableFuture<Optional<?>> elsewhere(Step step) {
        CompletableFuture<Optional<?>> result = new CompletableFuture<>();
        Thread thread =
                Thread.ofPlatform()
                        .daemon()
                        .start(() -> {
                            try {
                                result.complete(step.run());
                            } catch (IOException | RuntimeException e) {
                                result.completeExceptionally(e);
                            }
                        });
        await().atMost(DEADLINE)
                .until(() -> {
                    StackTraceElement[] stack = thread.getStackTrace();
                    return result.isDone() || (stack.length > 0 && stack[0].isNativeMethod());
                });
        return result;
    }

    @Test
    void shouldSayWhoIsThere() throws Exception {
        PeerCredentials peer = ours.peer();

        assertThat(peer.pid()).isEqualTo((int) ProcessHandle.current().pid());
        assertThat(peer.uid()).isEqualTo(LibC.geteuid());
        assertThat(peer.gid()).isEqualTo(LibC.getegid());
        String groups =
                Files.readAllLines(Path.of("/proc/self/status")).stream()
                        .filter(line -> line.startsWith("Groups:"))
                        .findFirst()
                        .orElseThrow();
        for (String group : groups.substring("Groups:".length()).trim().split("\\s+")) {
            if (!group.isEmpty()) {
                assertThat(peer.isIn(Integer.parseUnsignedInt(group))).isTrue();
            }
        }
        assertThat(peer.isIn(LibC.getegid())).isTrue();
        assertThat(peer.isIn(61_235)).isFalse();
    }

    @Test
    void shouldSayWhatToDoWhenThereIsNobodyToConnectTo(@TempDir Path directory) throws Exception {
        assertThatThrownBy(() -> PacketSocket.connect(directory.resolve("nothing")))
                .hasMessageContaining("ENOENT")
                .hasMessageContaining("start the service");
        Path file = Files.createFile(directory.resolve("file"));
        assertThatThrownBy(() -> PacketSocket.connect(file)).hasMessageContaining("ECONNREFUSED");
        Path fits = directory.resolve("x".repeat(106 - directory.toString().length()));
        assertThatThrownBy(() -> PacketSocket.connect(fits)).hasMessageContaining("ENOENT");
        assertThatThrownBy(() -> PacketSocket.connect(Path.of(fits + "x")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("1 to 107 bytes, and this one has 108");
    }

    @Test
    void shouldLeaveNothingOpenOfWhatFails(@TempDir Path directory) throws Exception {
        ours.close();
        theirs.close();
        Map<Integer, String> before = OpenDescriptors.own();
        assertThatThrownBy(() -> PacketSocket.connect(directory.resolve("nothing")))
                .isInstanceOf(IOException.class);
        PacketSocket.Pair pair = PacketSocket.pair("nobody");
        pair.theirs().close();
        pair.ours().close();
        assertThat(OpenDescriptors.own()).hasSameSizeAs(before);
    }
}
