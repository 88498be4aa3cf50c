// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.testkit.Command;
import io.cloister.nativeio.testkit.OpenDescriptors;
import io.cloister.nativeio.testkit.Skip;
import io.cloister.nativeio.testkit.TestJvm;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class PacketListenerTest {
    private static final Duration DEADLINE = Duration.ofSeconds(20);

    @TempDir private Path directory;

    private Path path() {
        return directory.resolve("service.sock");
    }

    private static PacketListener listen(Path path) throws IOException {
        return PacketListener.open(path, 0600, OptionalInt.empty(), OptionalInt.empty(), 16);
    }

    private static ByteBuffer packet(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }

    private static String text(Packet packet) {
        return StandardCharsets.US_ASCII.decode(packet.bytes()).toString();
    }

    private static void shouldTalk(PacketListener listener, Path path) throws IOException {
        try (PacketSocket client = PacketSocket.connect(path);
                PacketSocket accepted = listener.acceptNow().orElseThrow();
                Fd file = MemFd.writable("file")) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(100);
            client.send(packet("request"), List.of(file));
            Packet request = accepted.receive(buffer, DEADLINE).orElseThrow();
            assertThat(text(request)).isEqualTo("request");
            assertThat(request.descriptors()).hasSize(1);
            request.descriptors().forEach(Fd::close);
            assertThat(accepted.trySend(packet("reply"), List.of(file))).isTrue();
            Packet reply = client.receive(buffer, DEADLINE).orElseThrow();
            assertThat(text(reply)).isEqualTo("reply");
            reply.descriptors().forEach(Fd::close);
            assertThat(accepted.peer().pid()).isEqualTo((int) ProcessHandle.current().pid());
            assertThat(accepted.peer().uid()).isEqualTo(LibC.geteuid());
        }
    }

    @Test
    void shouldAcceptThoseThatConnect() throws Exception {
        shouldListenAndClean(); // so that everything is loaded
        Map<Integer, String> before = OpenDescriptors.own();
        shouldListenAndClean();
        assertThat(OpenDescriptors.own().size()).isEqualTo(before.size());
    }

    private void shouldListenAndClean() throws IOException {
        try (PacketListener listener = listen(path());
                Fd readiness = listener.readiness()) {
            assertThat(listener.acceptNow()).isEmpty();
            assertThat(readiness.isReadable()).isFalse();
            shouldTalk(listener, path());
            try (PacketSocket client = PacketSocket.connect(path())) {
                assertThat(readiness.isReadable()).isTrue();
                client.send(packet("before it is accepted"), List.of());
            }
            try (PacketSocket gone = listener.acceptNow().orElseThrow()) {
                ByteBuffer buffer = ByteBuffer.allocateDirect(100);
                assertThat(gone.receiveNow(buffer)).isPresent();
                assertThatThrownBy(() -> gone.receiveNow(buffer)).isInstanceOf(EOFException.class);
            }
            listener.close();
            assertThatThrownBy(listener::acceptNow).isInstanceOf(EOFException.class);
        }
        assertThat(path()).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(ints = {0600, 0660, 0666, 0, 0222})
    void shouldHaveTheModeWhateverTheUmask(int mode) throws Exception {
        OptionalInt gid = OptionalInt.of(LibC.getegid());
        OptionalInt uid = OptionalInt.of(LibC.geteuid());
        try (PacketListener listener = PacketListener.open(path(), mode, uid, gid, 1)) {
            assertThat((int) Files.getAttribute(path(), "unix:mode") & 07777).isEqualTo(mode);
            assertThat(listener.acceptNow()).isEmpty();
        }
    }

    @Test
    void shouldBelongToWhomItIsGiven() throws Exception {
        Skip.when(LibC.geteuid() != 0, "only root gives files away");
        OptionalInt id = OptionalInt.of(TestJvm.ORDINARY_ID);
        try (PacketListener listener =
                PacketListener.open(path(), 0660, OptionalInt.empty(), id, 1)) {
            assertThat(Files.getAttribute(path(), "unix:uid")).isEqualTo(0);
            assertThat(Files.getAttribute(path(), "unix:gid")).isEqualTo(TestJvm.ORDINARY_ID);
            assertThat(listener.acceptNow()).isEmpty();
        }
        try (PacketListener listener =
                PacketListener.open(path(), 0600, id, OptionalInt.empty(), 1)) {
            assertThat(Files.getAttribute(path(), "unix:uid")).isEqualTo(TestJvm.ORDINARY_ID);
            assertThat(listener.acceptNow()).isEmpty();
        }
    }

    @Test
    void shouldReplaceASocketThatNobodyListensAt() throws Exception {
        leaveStale(path(), Linux.SOCK_SEQPACKET);
        try (PacketListener listener = listen(path())) {
            shouldTalk(listener, path());
        }
    }

    private static Fd bound(Path path, int type) throws IOException {
        Fd socket = Fd.own(LibC.socket(Linux.AF_UNIX, type | Linux.SOCK_CLOEXEC, 0), "other");
        try (Memory address = UnixAddress.of(path)) {
            assertThat(LibC.bind(socket.number(), address, Linux.sockaddr_un_SIZE)).isZero();
        }
        return socket;
    }

    private static void leaveStale(Path path, int type) throws IOException {
        bound(path, type).close();
        assertThat(path).exists();
    }

    @Test
    void shouldLeaveALivingSocketAlone() throws Exception {
        try (PacketListener first = listen(path())) {
            assertThatThrownBy(() -> listen(path())).hasMessageContaining("somebody listens at");
            Files.delete(directory.resolve("service.sock.lock")); // as if it had never locked
            assertThatThrownBy(() -> listen(path())).hasMessageContaining("somebody listens at");
            first.acceptNow().orElseThrow().close(); // the second's question
            shouldTalk(first, path());
        }
    }

    @Test
    void shouldLeaveALivingSocketOfAnotherTypeAlone() throws Exception {
        try (Fd stream = bound(path(), Linux.SOCK_STREAM)) {
            assertThat(LibC.listen(stream.number(), 1)).isZero();
            assertThatThrownBy(() -> listen(path())).hasMessageContaining("somebody listens at");
            assertThatThrownBy(() -> PacketSocket.connect(path()))
                    .hasMessageContaining("not a socket of packets");
        }
        try (PacketListener listener = listen(path())) { // stale now, whatever it was
            shouldTalk(listener, path());
        }
    }

    @Test
    void shouldLeaveWhatIsNoSocketAlone() throws Exception {
        Files.writeString(path(), "precious");
        assertThatThrownBy(() -> listen(path())).hasMessageContaining("is no socket: remove it");
        assertThat(path()).hasContent("precious");
        Files.delete(path());

        Path elsewhere = directory.resolve("elsewhere.sock");
        leaveStale(elsewhere, Linux.SOCK_SEQPACKET);
        Files.createSymbolicLink(path(), elsewhere);
        assertThatThrownBy(() -> listen(path())).hasMessageContaining("is no socket");
        assertThat(elsewhere).exists();
        assertThat(path()).isSymbolicLink();
    }

    @Test
    void shouldNotRemoveASocketThatTookItsPlace() throws Exception {
        PacketListener listener = listen(path());
        Files.delete(path());
        leaveStale(path(), Linux.SOCK_SEQPACKET);
        listener.close();
        assertThat(path()).exists();
    }

    @Test
    void shouldRefuseAPathThatIsTooLong() {
        Path tooLong = directory.resolve("x".repeat(107 - directory.toString().length()));
        assertThatThrownBy(() -> listen(tooLong)).hasMessageContaining("and this one has 108");
        assertThat(Path.of(tooLong + ".lock")).doesNotExist();
    }

    @Test
    void shouldNotWaitForEverForAServiceThatDoesNotAccept() throws Exception {
        List<PacketSocket> clients = new ArrayList<>();
        try (PacketListener listener =
                PacketListener.open(path(), 0600, OptionalInt.empty(), OptionalInt.empty(), 2)) {
            assertThatThrownBy(
                            () -> {
                                while (clients.size() < 100) {
                                    clients.add(
                                            PacketSocket.connect(path(), Duration.ofMillis(200)));
                                }
                            })
                    .hasMessageContaining("EAGAIN")
                    .hasMessageContaining("does not accept connections");
            assertThat(clients).hasSize(3);
            try (PacketSocket accepted = listener.acceptNow().orElseThrow();
                    PacketSocket client = PacketSocket.connect(path())) {
                assertThat(accepted).isNotNull();
                assertThat(client.receiveNow(ByteBuffer.allocateDirect(1))).isEmpty();
            }
        } finally {
            for (PacketSocket client : clients) {
                client.close();
            }
        }
    }

    @Test
    void shouldRefuseThoseWhomTheModeDoesNotAdmit() throws Exception {
        Skip.when(LibC.geteuid() != 0, "only root becomes another user");
        TestJvm.whyNotOrdinary().ifPresent(reason -> Skip.when(true, reason));
        open(directory);
        TestJvm jvm = TestJvm.ofOrdinaryUser(Files.createDirectory(directory.resolve("jvm")));
        List<String> command = jvm.command(ConnectMain.class, path().toString());
        try (PacketListener listener = listen(path())) {
            Command.Result refused = Command.run(directory, DEADLINE, command);
            assertThat(refused.output())
                    .contains("EACCES", "let this user's groups have the socket");
            assertThat(listener.acceptNow()).isEmpty();
        }
        OptionalInt gid = OptionalInt.of(TestJvm.ORDINARY_ID);
        try (PacketListener listener =
                PacketListener.open(path(), 0660, OptionalInt.empty(), gid, 1)) {
            Command.run(directory, DEADLINE, command).orFail();
            try (PacketSocket accepted = listener.acceptNow().orElseThrow()) {
                PeerCredentials peer = accepted.peer();
                assertThat(peer.uid()).isEqualTo(TestJvm.ORDINARY_ID);
                assertThat(peer.gid()).isEqualTo(TestJvm.ORDINARY_ID);
                assertThat(peer.supplementaryGids()).isEmpty();
            }
        }
    }

    /** What another user runs. */
    static final class ConnectMain {
        private ConnectMain() {}

        public static void main(String[] arguments) throws IOException {
            PacketSocket.connect(Path.of(arguments[0])).close();
        }
    }

    private static void open(Path directory) throws IOException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @Test
    void shouldTakeOverASocketThatListens() throws Exception {
        Fd socket = bound(path(), Linux.SOCK_SEQPACKET);
        assertThat(LibC.listen(socket.number(), 5)).isZero();
        LibC.fcntl(socket.number(), Linux.F_SETFD, 0);
        int number = socket.release();
        try (PacketListener listener = PacketListener.adopt(number)) {
            assertThat(LibC.fcntl(number, Linux.F_GETFD, 0)).isEqualTo(Linux.FD_CLOEXEC);
            assertThat(listener.acceptNow()).isEmpty();
            shouldTalk(listener, path());
        }
        assertThat(path()).exists(); // its maker's
        assertThat(LibC.fcntl(number, Linux.F_GETFD, 0)).isEqualTo(-1);
    }

    @Test
    void shouldTakeOverNothingElse() throws Exception {
        try (Fd file = MemFd.writable("file");
                Fd bound = bound(path(), Linux.SOCK_SEQPACKET);
                Fd stream = bound(directory.resolve("stream"), Linux.SOCK_STREAM);
                Fd internet = Fd.own(LibC.socket(Linux.AF_INET, Linux.SOCK_STREAM, 0), "tcp")) {
            assertThat(LibC.listen(stream.number(), 1)).isZero();
            for (Fd other : List.of(file, bound, stream, internet)) {
                assertThatThrownBy(() -> PacketListener.adopt(other.number()))
                        .hasMessageContaining("ListenSequentialPacket=");
            }
        }
        assertThatThrownBy(() -> PacketListener.adopt(1 << 20)).hasMessageContaining("EBADF");
    }

    @Test
    void shouldExpectASocketFromSystemdOnlyIfItIsForThisProcess() throws Exception {
        assertThat(PacketListener.fromSystemd(Map.of(), 7)).isEmpty();
        assertThat(PacketListener.fromSystemd(Map.of("LISTEN_FDS", "1"), 7)).isEmpty();
        assertThat(PacketListener.fromSystemd(Map.of("LISTEN_PID", "8", "LISTEN_FDS", "1"), 7))
                .isEmpty();
        for (String count : List.of("0", "2", "x", "-1", "99999999999")) {
            Map<String, String> environment = Map.of("LISTEN_PID", "7", "LISTEN_FDS", count);
            assertThatThrownBy(() -> PacketListener.fromSystemd(environment, 7))
                    .hasMessageContaining("LISTEN_FDS=" + count);
        }
        assertThatThrownBy(() -> PacketListener.fromSystemd(Map.of("LISTEN_PID", "7"), 7))
                .hasMessageContaining("takes 1");
    }

    /** A child that has a listening socket as descriptor 3 and knows of it as systemd's do. */
    @Test
    void shouldBeActivatedBySystemd() throws Exception {
        Skip.when(!Command.isInstalled("python3"), "no python3 to stand for systemd");
        String activator =
                """
                import os, socket, sys
                s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                s.bind(sys.argv[1])
                s.listen(5)
                c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                c.connect(sys.argv[1])
                c.send(b'hello')
                os.dup2(s.fileno(), 3, True)
                os.set_inheritable(3, True)
                os.set_inheritable(c.fileno(), True)
                os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')
                os.execv(sys.argv[2], sys.argv[2:])
                """;
        List<String> command = new ArrayList<>(List.of("python3", "-c", activator));
        command.add(path().toString());
        TestJvm jvm = TestJvm.ofOrdinaryUser(Files.createDirectory(directory.resolve("jvm")));
        List<String> java = jvm.command(ActivatedMain.class);
        command.addAll(java.subList(java.indexOf(ownJava()), java.size()));

        Command.Result result = Command.run(directory, Duration.ofSeconds(40), command).orFail();

        assertThat(result.output()).contains("activated and told: hello");
    }

    private static String ownJava() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    /** What the child runs. */
    static final class ActivatedMain {
        private ActivatedMain() {}

        public static void main(String[] arguments) throws IOException {
            long pid = ProcessHandle.current().pid();
            try (PacketListener listener =
                            PacketListener.fromSystemd(System.getenv(), pid).orElseThrow();
                    PacketSocket client = listener.acceptNow().orElseThrow()) {
                ByteBuffer buffer = ByteBuffer.allocateDirect(10);
                Packet hello = client.receive(buffer, DEADLINE).orElseThrow();
                System.out.println("activated and told: " + text(hello));
            }
        }
    }

    @Test
    void shouldSayWhenThereIsNoDescriptorForAnother() throws Exception {
        try (PacketListener listener = listen(path());
                PacketSocket client = PacketSocket.connect(path())) {
            assertThat(client).isNotNull();
            int next;
            try (Fd probe = MemFd.writable("the next number")) {
                next = probe.number();
            }
            long before = limitDescriptors(next);
            try {
                assertThatThrownBy(listener::acceptNow)
                        .isInstanceOf(NoDescriptorsException.class)
                        .hasMessageContaining("EMFILE");
            } finally {
                limitDescriptors(before);
            }
            listener.acceptNow().orElseThrow().close();
        }
    }

    /** Sets the soft limit, and returns what it was. */
    private static long limitDescriptors(long most) {
        try (Memory old = new Memory(2 * Long.BYTES);
                Memory now = new Memory(2 * Long.BYTES)) {
            int call = Sys.PRLIMIT64.number();
            int what = Linux.RLIMIT_NOFILE;
            assertThat(LibC.syscall(call, 0, what, 0, Pointer.nativeValue(old))).isZero();
            now.setLong(0, most);
            now.setLong(Long.BYTES, old.getLong(Long.BYTES));
            assertThat(LibC.syscall(call, 0, what, Pointer.nativeValue(now), 0)).isZero();
            return old.getLong(0);
        }
    }

    @Test
    void shouldLetOneOfManyHaveAStaleSocket() throws Exception {
        for (int round = 0; round < 20; round++) {
            Path path = directory.resolve("race" + round);
            leaveStale(path, Linux.SOCK_SEQPACKET);
            List<PacketListener> opened =
                    Stream.generate(() -> path)
                            .limit(4)
                            .parallel()
                            .flatMap(p -> {
                                try {
                                    return Stream.of(listen(p));
                                } catch (IOException e) {
                                    return Stream.empty();
                                }
                            })
                            .toList();
            assertThat(opened).hasSize(1);
            shouldTalk(opened.get(0), path);
            opened.get(0).close();
        }
    }

    @Test
    void shouldNotWaitForADescriptorThatNobodyReceivedWhenAConnectionIsClosed() throws Exception {
        try (PacketListener listener = listen(path());
                PacketSocket client = PacketSocket.connect(path());
                ServerSocketChannel sink = ServerSocketChannel.open()) {
            PacketSocket connection = listener.acceptNow().orElseThrow();
            try (Fd lingering = lingeringSocket(sink);
                    Fd raw = client.readiness()) {
                assertThat(LibC.sendmsg(raw.number(), emptyMessage(), 0)).isZero();
                client.send(packet("takes a minute to close"), List.of(lingering));
            }
            client.close();

            connection.close();

            assertThat(connection.pendingDiscards()).isEqualTo(1);
            connection.close(); // twice
            sink.accept().close(); // with bytes unread, which ends the wait
            await().atMost(DEADLINE).until(() -> connection.pendingDiscards() == 0);
        }
    }

    /** A TCP socket whose last close(2) waits for what nobody reads. */
    private static Fd lingeringSocket(ServerSocketChannel sink) throws IOException {
        sink.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        Map<Integer, String> before = OpenDescriptors.own();
        try (SocketChannel channel = SocketChannel.open(sink.getLocalAddress())) {
            Set<Integer> number = new HashSet<>(OpenDescriptors.own().keySet());
            number.removeAll(before.keySet());
            assertThat(number).hasSize(1);
            Fd socket = Fd.own(number.iterator().next(), "lingering socket");
            Fd copy = socket.duplicate();
            socket.release();
            channel.setOption(StandardSocketOptions.SO_LINGER, 60);
            channel.configureBlocking(false);
            ByteBuffer zeros = ByteBuffer.allocate(1 << 16);
            while (channel.write(zeros.clear()) > 0) {}
            return copy;
        }
    }

    private static Memory emptyMessage() {
        Memory message = new Memory(Linux.msghdr_SIZE);
        message.clear();
        return message;
    }

    @Test
    void shouldCloseAConnectionAtOnceThatHasNoDescriptorsUnread() throws Exception {
        try (PacketListener listener = listen(path())) {
            Map<Integer, String> before = OpenDescriptors.own();
            PacketSocket client = PacketSocket.connect(path());
            PacketSocket connection = listener.acceptNow().orElseThrow();
            client.send(packet("unread"), List.of());
            try (Fd raw = client.readiness()) {
                assertThat(LibC.sendmsg(raw.number(), emptyMessage(), 0)).isZero();
            }
            client.send(packet("unread, too"), List.of());
            client.close();

            connection.close();

            assertThat(OpenDescriptors.own()).isEqualTo(before);
        }
    }
}
