// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import io.cloister.nativeio.fd.DescriptorTraits.Access;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.testkit.Command;
import io.cloister.nativeio.testkit.OpenDescriptors;
import io.cloister.nativeio.testkit.Skip;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class DescriptorTraitsTest {
    private static final Duration DEADLINE = Duration.ofSeconds(20);

    private static DescriptorKind kind(Fd fd) throws IOException {
        return DescriptorTraits.of(fd).kind();
    }

    @Test
    void shouldKnowFilesInMemory() throws Exception {
        try (Fd sealed = MemFd.sealed("sealed", new byte[1]);
                Fd writable = MemFd.writable("writable")) {
            assertThat(kind(sealed)).isEqualTo(DescriptorKind.MEMORY_FILE);
            assertThat(DescriptorTraits.of(writable))
                    .isEqualTo(
                            new DescriptorTraits(DescriptorKind.MEMORY_FILE, Access.BOTH, false));
        }
        Path memory = Path.of("/dev/shm");
        Skip.when(!Files.isWritable(memory), "no tmpfs at /dev/shm");
        Path file = Files.createTempFile(memory, "cloister", "test");
        try (Fd fd = Fd.open(file.toString(), Linux.O_RDONLY, 0)) {
            assertThat(DescriptorTraits.of(fd))
                    .isEqualTo(
                            new DescriptorTraits(DescriptorKind.MEMORY_FILE, Access.READ, false));
        } finally {
            Files.delete(file);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "O_RDONLY,0,READ,true,false",
        "O_WRONLY,0,WRITE,false,true",
        "O_RDWR,0,BOTH,true,true",
        "O_WRONLY,1,WRITE,false,true",
        "O_ACCMODE,0,NONE,false,false"
    })
    void shouldKnowWhatAFileWasOpenedFor(
            String mode, int append, Access access, boolean reads, boolean writes)
            throws Exception {
        // the working directory is where the project is built, on a disk as a rule
        Path file = Files.createTempFile(Path.of("target"), "kind", null);
        int flags = (int) Linux.constant(mode) | append * Linux.O_APPEND;
        try (Fd fd = Fd.open(file.toString(), flags, 0)) {
            DescriptorTraits traits = DescriptorTraits.of(fd);
            assertThat(traits.access()).isEqualTo(access);
            assertThat(traits.append()).isEqualTo(append == 1);
            assertThat(traits.isReadable()).isEqualTo(reads);
            assertThat(traits.isWritable()).isEqualTo(writes);
            assertThat(traits.kind()).isIn(DescriptorKind.REGULAR_FILE, DescriptorKind.MEMORY_FILE);
        } finally {
            Files.delete(file);
        }
    }

    @Test
    void shouldKnowPipes(@TempDir Path directory) throws Exception {
        try (Pipe pipe = Pipe.open("pipe")) {
            assertThat(DescriptorTraits.of(pipe.readEnd()))
                    .isEqualTo(new DescriptorTraits(DescriptorKind.PIPE, Access.READ, false));
            assertThat(DescriptorTraits.of(pipe.writeEnd()))
                    .isEqualTo(new DescriptorTraits(DescriptorKind.PIPE, Access.WRITE, false));
        }
        String fifo = directory.resolve("fifo").toString();
        Command.run(directory, DEADLINE, List.of("mkfifo", fifo)).orFail();
        try (Fd fd = Fd.open(fifo, Linux.O_RDWR, 0)) {
            assertThat(kind(fd)).isEqualTo(DescriptorKind.PIPE);
        }
    }

    @Test
    void shouldKnowTerminals() throws Exception {
        try (Fd master = Terminals.open();
                Fd slave = Terminals.slave(master, 24, 80)) {
            assertThat(kind(slave)).isEqualTo(DescriptorKind.TERMINAL);
            assertThat(kind(master)).isEqualTo(DescriptorKind.DEVICE);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "/dev/null,NULL_DEVICE",
        "/dev/zero,NULL_DEVICE",
        "/dev/full,NULL_DEVICE",
        "/dev/random,NULL_DEVICE",
        "/dev/urandom,NULL_DEVICE",
        "/dev/fuse,DEVICE",
        "/,DIRECTORY",
        "/dev/shm,DIRECTORY",
        "/proc/self/fd,DIRECTORY",
        "/proc/self/status,OTHER_FILE",
        "/proc/self/ns/net,OTHER_FILE",
        "/sys/kernel/mm/transparent_hugepage/enabled,OTHER_FILE"
    })
    void shouldKnowWhatIsAtAPath(String path, DescriptorKind kind) throws Exception {
        Skip.when(!Files.isReadable(Path.of(path)), "no " + path + " that can be read");
        try (Fd fd = Fd.open(path, Linux.O_RDONLY, 0)) {
            assertThat(kind(fd)).isEqualTo(kind);
        }
        try (Fd fd = Fd.open(path, Linux.O_PATH, 0)) {
            assertThat(DescriptorTraits.of(fd))
                    .isEqualTo(new DescriptorTraits(DescriptorKind.PATH_ONLY, Access.NONE, false));
        }
    }

    @Test
    void shouldKnowSocketsAndWhatHasNoType() throws Exception {
        int type = Linux.SOCK_DGRAM | Linux.SOCK_CLOEXEC;
        try (Fd socket = Fd.own(LibC.socket(Linux.AF_UNIX, type, 0), "socket");
                PidFd pidfd = PidFd.open((int) ProcessHandle.current().pid());
                EventFd event = EventFd.open("event")) {
            assertThat(kind(socket)).isEqualTo(DescriptorKind.SOCKET);
            assertThat(kind(event.fd())).isEqualTo(DescriptorKind.ANONYMOUS);
            assertThat(pidfd).isNotNull();
        }
        int epoll = LibC.epoll_create1(Linux.EPOLL_CLOEXEC);
        try (Fd fd = Fd.own(epoll, "epoll")) {
            assertThat(kind(fd)).isEqualTo(DescriptorKind.ANONYMOUS);
        }
        Fd none = Fd.own(1 << 20, "not open");
        assertThatThrownBy(() -> DescriptorTraits.of(none))
                .isInstanceOf(SystemCallException.class)
                .hasMessageContaining("EBADF");
        none.release();
    }

    /** A file of a local type on a mount that no path here leads to. */
    @Test
    void shouldNotTrustAMountThatItDoesNotSee() throws Exception {
        Skip.when(LibC.geteuid() != 0, "only root mounts");
        Path file = Files.createTempFile(Path.of("target"), "detached", null);
        try (Fd seen = Fd.open(file.toString(), Linux.O_RDONLY, 0)) {
            int openTree = Sys.OPEN_TREE.number();
            int flags = Linux.OPEN_TREE_CLONE | Linux.OPEN_TREE_CLOEXEC | Linux.AT_EMPTY_PATH;
            try (Memory path = new Memory(1)) {
                path.clear();
                long at = Pointer.nativeValue(path);
                long tree = LibC.syscall(openTree, seen.number(), at, flags, 0);
                Skip.when(tree < 0, "this root may not clone a mount: " + LibC.errno());
                try (Fd detached = Fd.own((int) tree, "detached mount");
                        Fd unseen =
                                Fd.open("/proc/self/fd/" + detached.number(), Linux.O_RDONLY, 0)) {
                    Skip.when(
                            kind(seen) != DescriptorKind.REGULAR_FILE,
                            "the project is not on a disk");
                    assertThat(kind(unseen)).isEqualTo(DescriptorKind.OTHER_FILE);
                }
            }
        } finally {
            Files.delete(file);
        }
    }

    @Test
    void shouldSayWhatMayWaitWhenItIsClosed() {
        assertThat(DescriptorKind.values())
                .filteredOn(DescriptorKind::closesAtOnce)
                .containsExactly(
                        DescriptorKind.MEMORY_FILE,
                        DescriptorKind.REGULAR_FILE,
                        DescriptorKind.PIPE,
                        DescriptorKind.TERMINAL,
                        DescriptorKind.NULL_DEVICE);
    }

    /** A socket with unsent bytes that lingers for a day, whose peer does not read. */
    @Test
    void shouldCloseWhatLingersWithoutWaitingForIt() throws Exception {
        SlowCloser closer = new SlowCloser("test");
        try (ServerSocketChannel server =
                ServerSocketChannel.open()
                        .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            Map<Integer, String> before = OpenDescriptors.own();
            SocketChannel client = SocketChannel.open(server.getLocalAddress());
            Map<Integer, String> after = OpenDescriptors.own();
            after.keySet().removeAll(before.keySet());
            int number =
                    after.entrySet().stream()
                            .filter(e -> e.getValue().startsWith("socket:"))
                            .findFirst()
                            .orElseThrow()
                            .getKey();
            Fd passed =
                    Fd.own(LibC.fcntl(number, Linux.F_DUPFD_CLOEXEC, 0), "passed by a stranger");
            client.configureBlocking(false);
            ByteBuffer bytes = ByteBuffer.allocateDirect(1 << 16);
            while (client.write(bytes.clear()) > 0) {}
            SocketChannel peer = server.accept();
            // so that this is how its last descriptor is closed
            client.setOption(StandardSocketOptions.SO_LINGER, 65_535);
            client.close();
            assertThat(kind(passed)).isEqualTo(DescriptorKind.SOCKET);

            closer.close(List.of(passed, MemFd.writable("waits behind it")));

            await().atMost(DEADLINE).until(() -> !passed.isOpen());
            assertThat(closer.pending()).isEqualTo(2);
            peer.close(); // with bytes unread: a reset
            await().atMost(DEADLINE).until(() -> closer.pending() == 0);
            closer.close(List.of(MemFd.writable("another")));
            await().atMost(DEADLINE).until(() -> closer.pending() == 0);
        }
    }
}
