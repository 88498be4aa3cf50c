// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class FileCopiesTest {
    private static final ByteSize PLENTY = ByteSize.ofMiB(16);

    @TempDir private Path directory;

    private final FileStore store =
            new FileStore(
                    new FileStore.Settings(
                            ByteSize.ofMiB(16), ByteSize.ofMiB(8), 10, Duration.ofHours(1)));

    @AfterEach
    void close() {
        store.close();
    }

    private FileCopies copies(boolean ownIds, String... directories) {
        return new FileCopies(store, new HostFiles(List.of(directories), ownIds));
    }

    private FileCopies copies() {
        return copies(true, directory.toString());
    }

    private static byte[] pattern(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (i * 31 + (i >> 8));
        }
        return bytes;
    }

    private static void assertFailure(Failure.Kind kind, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        FileException.class, e -> assertThat(e.failure().kind()).isEqualTo(kind));
    }

    private Path file(String name, byte[] bytes, String mode) throws IOException {
        Path file = Files.write(directory.resolve(name), bytes);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    }

    // ---- to programs ------------------------------------------------------------------------

    @Test
    void shouldOpenWhatIsInTheRequestForReadingAlone() throws Exception {
        byte[] much = pattern(200_001);
        try (Fd input = copies().open(Content.of(much))) {
            assertThat(Arrays.equals(input.readUpTo(1_000_000), much)).isTrue();
            assertThat(LibC.write(input.number(), much, 1)).isEqualTo(-1);
            assertThat(LibC.errno()).isEqualTo(Errno.EBADF);
            try (Fd again = Fd.open("/proc/self/fd/" + input.number(), Linux.O_RDWR, 0)) {
                assertThat(LibC.write(again.number(), much, 1)).isEqualTo(-1);
                assertThat(LibC.errno()).isEqualTo(Errno.EPERM);
            } catch (IOException e) { // who is not root may not even open it
                assertThat(e).hasMessageContaining("EACCES");
            }
        }
    }

    @Test
    void shouldOpenAnEmptyInput() throws Exception {
        try (Fd input = copies().open(Content.of(new byte[0]))) {
            assertThat(input.size()).isZero();
        }
    }

    @Test
    void shouldOpenWhatIsStored() throws Exception {
        Content stored = store.put(Bytes.ofUtf8("abc"));
        try (Fd input = copies().open(stored)) {
            assertThat(input.readUpTo(10)).containsExactly('a', 'b', 'c');
        }
        assertFailure(
                Failure.Kind.NOT_FOUND,
                () -> copies().open(new Content.Stored("0".repeat(64))).close());
    }

    @Test
    void shouldWriteContentsOfEveryKind() throws Exception {
        byte[] much = pattern(1_000_001);
        Path host = file("host", much, "rw-------");
        for (Content content :
                List.of(
                        Content.of(much),
                        store.put(Bytes.wrap(much)),
                        new Content.HostFile(host.toString()))) {
            Path copy = directory.resolve("copy");
            int flags = Linux.O_WRONLY | Linux.O_CREAT | Linux.O_TRUNC;
            try (Fd into = Fd.open(copy.toString(), flags, 0600)) {
                copies().write(content, into);
            }
            assertThat(Arrays.equals(Files.readAllBytes(copy), much)).isTrue();
        }
    }

    @Test
    void shouldSayThatContentsDoNotFit() throws Exception {
        try (Fd full = Fd.open("/dev/full", Linux.O_WRONLY, 0)) {
            assertFailure(
                    Failure.Kind.TOO_LARGE, () -> copies().write(Content.ofUtf8("abc"), full));
        }
    }

    // ---- the host's files -------------------------------------------------------------------

    @Test
    void shouldReadNoFileOfTheHostUnlessAllowed() throws Exception {
        String path = file("file", new byte[1], "rw-r--r--").toString();
        FileCopies none = copies(true);
        assertThatThrownBy(() -> none.open(new Content.HostFile(path)))
                .isInstanceOf(FileException.class)
                .hasMessageContaining("cloister.run.host-files");
        FileCopies sibling = copies(true, directory.resolve("fil").toString());
        assertFailure(
                Failure.Kind.INVALID_REQUEST,
                () -> sibling.open(new Content.HostFile(path)).close());
        FileCopies all = copies(true, "/");
        try (Fd file = all.open(new Content.HostFile(path))) {
            assertThat(file.size()).isEqualTo(1);
        }
    }

    @Test
    void shouldFollowNoLinkOutOfTheDirectory() throws Exception {
        Path allowed = Files.createDirectory(directory.resolve("allowed"));
        Path secret = file("secret", new byte[1], "rw-r--r--");
        Files.createSymbolicLink(allowed.resolve("absolute"), secret);
        Files.createSymbolicLink(allowed.resolve("relative"), Path.of("../secret"));
        Files.createSymbolicLink(allowed.resolve("up"), Path.of(".."));
        Files.createSymbolicLink(allowed.resolve("process"), Path.of("/proc/self/root"));
        Files.write(allowed.resolve("inside"), new byte[2]);
        Files.createSymbolicLink(allowed.resolve("good"), Path.of("inside"));
        FileCopies copies = copies(true, allowed.toString());
        for (String name : List.of("absolute", "relative", "up/secret", "process/etc/passwd")) {
            Content content = new Content.HostFile(allowed.resolve(name).toString());
            assertFailure(Failure.Kind.SYSCALL, () -> copies.open(content).close());
        }
        try (Fd file = copies.open(new Content.HostFile(allowed.resolve("good").toString()))) {
            assertThat(file.size()).isEqualTo(2);
        }
    }

    @Test
    void shouldOpenRegularFilesOnlyAndNeverWait() throws Exception {
        Path fifo = directory.resolve("fifo");
        assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor()).isZero();
        for (Path path : List.of(fifo, Files.createDirectory(directory.resolve("directory")))) {
            assertFailure(
                    Failure.Kind.NOT_A_REGULAR_FILE,
                    () -> copies().open(new Content.HostFile(path.toString())).close());
        }
        assertFailure(
                Failure.Kind.NOT_FOUND,
                () -> copies().open(new Content.HostFile(directory + "/missing")).close());
    }

    @Test
    void shouldCopyAFileThatTheProgramCouldWriteTo() throws Exception {
        Path closed = file("closed", pattern(100_000), "rw-r--r--");
        Path open = file("open", pattern(100_000), "rw-rw-rw-");
        assertThat(isCopied(copies(), closed)).isFalse();
        assertThat(isCopied(copies(), open)).isTrue();
        assertThat(isCopied(copies(false, directory.toString()), closed)).isTrue();
    }

    private static boolean isCopied(FileCopies copies, Path path) throws Exception {
        try (Fd file = copies.open(new Content.HostFile(path.toString()))) {
            assertThat(Arrays.equals(file.readUpTo(200_000), pattern(100_000))).isTrue();
            Path self = Path.of("/proc/self/fd/" + file.number());
            return Files.readSymbolicLink(self).toString().startsWith("/memfd:");
        }
    }

    // ---- from programs ----------------------------------------------------------------------

    @Test
    void shouldReadAFileUpToTheBound() throws Exception {
        byte[] bytes = pattern(300_000);
        try (Fd file = MemFd.sealed("file", bytes)) {
            assertThat(Arrays.equals(copies().read(file, PLENTY).toArray(), bytes)).isTrue();
        }
        try (Fd file = MemFd.sealed("file", bytes)) {
            ByteSize exact = ByteSize.ofBytes(300_000);
            assertThat(copies().read(file, exact).length()).isEqualTo(300_000);
        }
        try (Fd file = MemFd.sealed("file", bytes)) {
            assertFailure(
                    Failure.Kind.TOO_LARGE, () -> copies().read(file, ByteSize.ofBytes(299_999)));
            assertFailure(
                    Failure.Kind.TOO_LARGE, () -> copies().store(file, ByteSize.ofBytes(299_999)));
        }
        try (Fd file = MemFd.sealed("file", new byte[0])) {
            assertThat(copies().read(file, ByteSize.ZERO).length()).isZero();
        }
    }

    @Test
    void shouldRefuseASparseFileUnread() throws Exception {
        try (Fd file = MemFd.writable("sparse")) {
            assertThat(LibC.ftruncate(file.number(), Long.MAX_VALUE)).isZero();
            assertFailure(Failure.Kind.TOO_LARGE, () -> copies().read(file, PLENTY));
            assertFailure(Failure.Kind.TOO_LARGE, () -> copies().store(file, PLENTY));
        }
    }

    @Test
    void shouldReadNoFurtherThanTheBoundWhateverTheLengthSays() throws Exception {
        try (Fd maps = Fd.open("/proc/self/maps", Linux.O_RDONLY, 0)) { // of length 0
            assertThat(copies().read(maps, PLENTY).length()).isPositive();
        }
        try (Fd maps = Fd.open("/proc/self/maps", Linux.O_RDONLY, 0)) {
            assertFailure(Failure.Kind.TOO_LARGE, () -> copies().read(maps, ByteSize.ofBytes(10)));
        }
        try (Fd maps = Fd.open("/proc/self/maps", Linux.O_RDONLY, 0)) {
            assertFailure(Failure.Kind.TOO_LARGE, () -> copies().store(maps, ByteSize.ofBytes(10)));
        }
    }

    @Test
    void shouldPutAProgramsFileIntoTheStore() throws Exception {
        byte[] bytes = pattern(300_000);
        try (Fd file = MemFd.sealed("file", bytes)) {
            Content.Stored stored = copies().store(file, PLENTY);
            try (Fd again = copies().open(stored)) {
                assertThat(Arrays.equals(again.readUpTo(1_000_000), bytes)).isTrue();
            }
        }
    }

    @Test
    void shouldKeepNoDescriptors() throws Exception {
        Content host = new Content.HostFile(file("open", new byte[9], "rw-rw-rw-").toString());
        Content stored = store.put(Bytes.ofUtf8("abc"));
        int before = OwnProcess.descriptors();
        for (int i = 0; i < 1000; i++) {
            for (Content content : List.of(host, stored, Content.ofUtf8("abc"))) {
                copies().open(content).close();
            }
        }
        assertThat(OwnProcess.descriptors()).isEqualTo(before);
    }
}
