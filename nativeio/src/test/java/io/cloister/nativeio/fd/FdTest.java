// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.testkit.OpenDescriptors;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class FdTest {
    private static final byte[] HELLO = "hello".getBytes(StandardCharsets.US_ASCII);

    @TempDir private Path directory;

    @Test
    void shouldCloseItsNumberOnce() throws Exception {
        Fd fd = MemFd.writable("once");
        int number = fd.number();
        assertThat(isOpen(number)).isTrue();

        fd.close();
        assertThat(isOpen(number)).isFalse();
        assertThat(fd.isOpen()).isFalse();

        // the number is another's now, and a second close must leave that one alone
        try (Fd other = MemFd.writable("other")) {
            Fd reused = other.number() == number ? other : moved(other, number);
            fd.close();
            assertThat(isOpen(number)).isTrue();
            reused.close();
        }
    }

    private static Fd moved(Fd from, int number) throws Exception {
        long copy = LibC.fcntl(from.number(), Linux.F_DUPFD_CLOEXEC, number);
        return Fd.own((int) copy, "copy");
    }

    @Test
    void shouldCloseOnceAlsoFromManyThreads() throws Exception {
        long leaks = Fd.leaks();
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (int i = 0; i < 200; i++) {
                Fd fd = MemFd.writable("many");
                Callable<Void> close =
                        () -> {
                            fd.close();
                            return null;
                        };
                for (var done : threads.invokeAll(List.of(close, close, close, close))) {
                    done.get();
                }
                assertThat(fd.isOpen()).isFalse();
            }
        }
        assertThat(Fd.leaks()).isEqualTo(leaks);
    }

    @Test
    void shouldRefuseToBeUsedWhenClosed() throws Exception {
        Fd fd = MemFd.writable("scratch");
        fd.close();

        assertThatThrownBy(fd::number)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("scratch");
        assertThatThrownBy(fd::release).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(fd::size).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(fd::duplicate).isInstanceOf(IllegalStateException.class);
        assertThat(fd).hasToString("closed (scratch)");
    }

    @Test
    void shouldRefuseToOwnANegativeNumber() {
        assertThatThrownBy(() -> Fd.own(-1, "nothing"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("nothing");
    }

    @Test
    void shouldGiveItsNumberAwayOpen() throws Exception {
        Fd fd = MemFd.writable("given");
        int number = fd.release();

        assertThat(isOpen(number)).isTrue();
        fd.close();
        assertThat(isOpen(number)).isTrue();
        LibC.close(number);
    }

    @Test
    void shouldCountAndCloseWhatItsOwnerForgot() throws Exception {
        long before = Fd.leaks();
        int number = forget();

        await().atMost(Duration.ofSeconds(30))
                .until(() -> {
                    System.gc();
                    return Fd.leaks() == before + 1;
                });
        await().atMost(Duration.ofSeconds(10))
                .until(() -> !OpenDescriptors.own().getOrDefault(number, "").contains("forgotten"));
    }

    private static int forget() throws Exception {
        return MemFd.writable("forgotten").number();
    }

    @Test
    void shouldNotCountWhatWasClosedOrReleased() throws Exception {
        long before = Fd.leaks();
        List<Integer> released = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            MemFd.writable("closed").close();
            released.add(MemFd.writable("released").release());
        }
        Fd marker = MemFd.writable("marker");
        var collected = new WeakReference<>(marker);
        marker.close();
        marker = null;
        await().atMost(Duration.ofSeconds(30))
                .until(() -> {
                    System.gc();
                    return collected.get() == null;
                });

        assertThat(Fd.leaks()).isEqualTo(before);
        for (int number : released) {
            assertThat(LibC.close(number)).isZero();
        }
    }

    @Test
    void shouldOpenCloseOnExec() throws Exception {
        Path file = Files.write(directory.resolve("file"), HELLO);
        try (Fd fd = Fd.open(file.toString(), Linux.O_RDONLY, 0);
                Fd copy = fd.duplicate()) {
            assertThat(isCloseOnExec(fd)).isTrue();
            assertThat(isCloseOnExec(copy)).isTrue();
            assertThat(copy.number()).isNotEqualTo(fd.number());
            assertThat(fd).hasToString(fd.number() + " (" + file + ")");
        }
    }

    @Test
    void shouldSayWhatCouldNotBeOpened() {
        String missing = directory.resolve("missing").toString();

        assertThatThrownBy(() -> Fd.open(missing, Linux.O_RDONLY, 0))
                .isInstanceOfSatisfying(
                        SystemCallException.class,
                        e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT))
                .hasMessage("open " + missing + ": ENOENT (No such file or directory)");
    }

    @Test
    void shouldReadFromAnyOffsetWithoutMovingIt() throws Exception {
        try (Fd fd = MemFd.sealed("text", "0123456789".getBytes(StandardCharsets.US_ASCII))) {
            byte[] some = new byte[4];
            assertThat(fd.readAt(3, some)).isEqualTo(4);
            assertThat(some).containsExactly("3456".getBytes(StandardCharsets.US_ASCII));
            assertThat(fd.readAt(8, some)).isEqualTo(2);
            assertThat(fd.readAt(10, some)).isZero();
            assertThat(fd.size()).isEqualTo(10);
            assertThat(fd.readUpTo(3)).hasSize(3);
            assertThat(fd.readUpTo(100)).hasSize(10);
            assertThat(LibC.lseek(fd.number(), 0, Linux.SEEK_CUR)).isZero();
        }
    }

    @Test
    void shouldWriteAllOfManyBytes() throws Exception {
        byte[] bytes = new byte[3_000_000];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i * 31);
        }
        try (Fd fd = MemFd.writable("many")) {
            fd.write(bytes);
            assertThat(fd.readUpTo(Integer.MAX_VALUE)).isEqualTo(bytes);
        }
    }

    @Test
    void shouldPassErrorsOn() throws Exception {
        try (Pipe pipe = Pipe.open("test")) {
            assertThatThrownBy(() -> pipe.readEnd().readAt(0, new byte[1]))
                    .isInstanceOfSatisfying(
                            SystemCallException.class,
                            e -> assertThat(e.errno().number()).isEqualTo(Linux.ESPIPE));
            assertThatThrownBy(() -> pipe.readEnd().write(HELLO))
                    .isInstanceOfSatisfying(
                            SystemCallException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EBADF));
        }
    }

    @Test
    void shouldReadAndWriteWhatIsPossibleNow() throws Exception {
        ByteBuffer buffer = ByteBuffer.allocateDirect(200_000);
        try (Pipe pipe = Pipe.open("test")) {
            pipe.readEnd().setNonBlocking();
            pipe.writeEnd().setNonBlocking();
            assertThat(pipe.readEnd().isReadable()).isFalse();
            assertThat(pipe.readEnd().readSome(buffer)).isZero();
            assertThat(pipe.writeEnd().isWritable()).isTrue();

            int written = pipe.writeEnd().writeSome(buffer);
            assertThat(written).isBetween(4096, 199_999);
            assertThat(buffer.position()).isEqualTo(written);
            assertThat(pipe.writeEnd().writeSome(buffer)).isZero();
            assertThat(pipe.writeEnd().isWritable()).isFalse();
            assertThat(pipe.readEnd().readable()).isEqualTo(written);

            buffer.clear().position(100).limit(110);
            assertThat(pipe.readEnd().readSome(buffer)).isEqualTo(10);
            assertThat(buffer.position()).isEqualTo(110);
            assertThat(pipe.readEnd().readSome(buffer)).isZero();
            assertThat(pipe.readEnd().readSome(buffer.clear())).isEqualTo(written - 10);

            pipe.writeEnd().close();
            assertThat(pipe.readEnd().isReadable()).isTrue();
            assertThat(pipe.readEnd().readSome(buffer.clear())).isEqualTo(-1);
        }
    }

    @Test
    void shouldMoveBytesToAndFromTheMiddleOfABuffer() throws Exception {
        ByteBuffer buffer = ByteBuffer.allocateDirect(20);
        try (Fd file = MemFd.writable("test")) {
            buffer.position(3).put(HELLO).flip().position(3);
            assertThat(file.writeSome(buffer)).isEqualTo(5);
            assertThat(file.readUpTo(10)).isEqualTo(HELLO);
            LibC.lseek(file.number(), 1, Linux.SEEK_SET);
            assertThat(file.readSome(buffer.clear().position(7))).isEqualTo(4);
            assertThat(buffer.get(7)).isEqualTo((byte) 'e');
        }
    }

    @Test
    void shouldReopenForReadingWithAnOffsetOfItsOwn() throws Exception {
        try (Fd file = MemFd.writable("test")) {
            file.write(HELLO);
            file.setPermissions(0400);
            assertThat(file.mode()).isEqualTo(Linux.S_IFREG | 0400);
            try (Fd again = file.reopenForReading()) {
                assertThat(isCloseOnExec(again)).isTrue();
                assertThat(LibC.lseek(again.number(), 0, Linux.SEEK_CUR)).isZero();
                assertThat(again.readUpTo(10)).isEqualTo(HELLO);
                assertThatThrownBy(() -> again.write(HELLO)).hasMessageContaining("EBADF");
            }
        }
    }

    @Test
    void shouldTransferFromAnotherFile() throws Exception {
        try (Fd from = MemFd.sealed("from", HELLO);
                Fd to = MemFd.writable("to")) {
            assertThat(to.transferFrom(from, 2)).isEqualTo(2);
            assertThat(to.transferFrom(from, 100)).isEqualTo(3);
            assertThat(to.transferFrom(from, 100)).isZero();
            assertThat(to.readUpTo(10)).isEqualTo(HELLO);
        }
    }

    @Test
    void shouldOpenNothingOutsideOfADirectory() throws Exception {
        Files.write(directory.resolve("file"), HELLO);
        Files.createSymbolicLink(directory.resolve("out"), Path.of("/etc/passwd"));
        try (Fd place = Fd.open(directory.toString(), Linux.O_PATH | Linux.O_DIRECTORY, 0)) {
            try (Fd file = Fd.openBeneath(place, "file", Linux.O_RDONLY)) {
                assertThat(isCloseOnExec(file)).isTrue();
                assertThat(file.readUpTo(10)).isEqualTo(HELLO);
            }
            for (String path : List.of("out", "../" + directory.getFileName() + "/file", "/etc")) {
                assertThatThrownBy(() -> Fd.openBeneath(place, path, Linux.O_RDONLY))
                        .isInstanceOfSatisfying(
                                SystemCallException.class,
                                e -> assertThat(e.errno()).isEqualTo(Errno.EXDEV));
            }
        }
    }

    static boolean isOpen(int number) {
        return LibC.fcntl(number, Linux.F_GETFD, 0) != -1;
    }

    static boolean isCloseOnExec(Fd fd) {
        return (LibC.fcntl(fd.number(), Linux.F_GETFD, 0) & Linux.FD_CLOEXEC) != 0;
    }
}
