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
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class FileStoreTest {
    /** Of {@code abc}: FIPS 180-2, appendix B.1. */
    private static final String ABC =
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    private static final byte[] BYTES = {'a', 'b', 'c'};

    private final AtomicLong now = new AtomicLong();
    private final FileStore store =
            new FileStore(
                    new FileStore.Settings(
                            ByteSize.ofBytes(1000),
                            ByteSize.ofBytes(500),
                            4,
                            Duration.ofSeconds(10)),
                    now::get);

    @AfterEach
    void close() {
        store.close();
    }

    private String put(String text) throws Exception {
        return store.put(Bytes.ofUtf8(text)).id();
    }

    private String read(String id) throws IOException {
        try (Fd file = store.open(id).orElseThrow()) {
            return new String(file.readUpTo(1000), StandardCharsets.UTF_8);
        }
    }

    @Test
    void shouldNameFilesByTheirContents() throws Exception {
        assertThat(put("abc")).isEqualTo(ABC);
        assertThat(store.put(new ByteArrayInputStream(BYTES))).isEqualTo(new Content.Stored(ABC));
        try (Fd file = MemFd.sealed("file", BYTES)) {
            assertThat(store.put(file, ByteSize.ofBytes(3)).id()).isEqualTo(ABC);
            assertThat(file.isOpen()).isTrue();
        }
        assertThat(read(ABC)).isEqualTo("abc");
        assertThat(store.list())
                .containsExactly(new FileStore.StoredFile(ABC, ByteSize.ofBytes(3)));
        assertThat(read(put(""))).isEmpty();
    }

    @Test
    void shouldLetNobodyChangeThem() throws Exception {
        String id = put("abc");
        try (Fd file = store.open(id).orElseThrow()) {
            byte[] other = {'x'};
            assertThat(LibC.write(file.number(), other, 1)).isEqualTo(-1);
            String self = "/proc/self/fd/" + file.number();
            try (Fd again = Fd.open(self, Linux.O_RDWR, 0)) { // as root; others may not even open
                assertThat(LibC.write(again.number(), other, 1)).isEqualTo(-1);
                assertThat(LibC.errno()).isEqualTo(Errno.EPERM);
                assertThat(LibC.ftruncate(again.number(), 0)).isEqualTo(-1);
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("EACCES");
            }
            assertThat(file.mode() & 0777).isEqualTo(0444);
        }
        assertThat(read(id)).isEqualTo("abc");
    }

    @Test
    void shouldGiveEachReaderAnOffsetOfItsOwn() throws Exception {
        String id = put("abc");
        try (Fd one = store.open(id).orElseThrow();
                Fd other = store.open(id).orElseThrow()) {
            byte[] buffer = new byte[10];
            assertThat(LibC.read(one.number(), buffer, 2)).isEqualTo(2);
            assertThat(LibC.read(other.number(), buffer, 10)).isEqualTo(3);
            assertThat(LibC.read(one.number(), buffer, 10)).isEqualTo(1);
        }
    }

    @Test
    void shouldOpenAFileWhoseOwnerChangedItsMode() throws Exception {
        String id = put("abc");
        try (Fd file = store.open(id).orElseThrow()) {
            LibC.fchmod(file.number(), 0);
        }
        assertThat(read(id)).isEqualTo("abc");
        try (Fd file = store.open(id).orElseThrow()) {
            assertThat(file.mode() & 0777).isEqualTo(0444);
        }
    }

    @Test
    void shouldRefuseWhatIsTooLongAndNameTheBound() throws Exception {
        assertThat(read(put("x".repeat(500)))).hasSize(500);
        assertThatThrownBy(() -> put("x".repeat(501)))
                .isInstanceOfSatisfying(
                        FileException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.TOO_LARGE))
                .hasMessageContaining("cloister.store.max-file-size, 500B");
        try (Fd file = MemFd.sealed("file", new byte[11])) {
            assertThatThrownBy(() -> store.put(file, ByteSize.ofBytes(10)))
                    .isInstanceOf(FileException.class)
                    .hasMessageContaining("10B");
        }
        assertThat(store.list()).hasSize(1);
    }

    @Test
    void shouldForgetTheLeastRecentlyUsedWhenThereAreTooMany() throws Exception {
        List<String> ids = new ArrayList<>();
        for (String text : List.of("a", "b", "c", "d")) {
            ids.add(put(text));
        }
        read(ids.get(0));
        assertThat(store.contains(ids.get(1))).isTrue();
        put("e");
        assertThat(store.contains(ids.get(2))).isFalse();
        put("f");
        assertThat(store.contains(ids.get(3))).isFalse();
        assertThat(read(ids.get(0))).isEqualTo("a");
        assertThat(store.list()).hasSize(4);
    }

    @Test
    void shouldForgetTheLeastRecentlyUsedWhenTheyAreTooLarge() throws Exception {
        String first = put("a".repeat(400));
        String second = put("b".repeat(400));
        String third = put("c".repeat(201));
        assertThat(store.open(first)).isEmpty();
        assertThat(store.contains(second)).isTrue();
        assertThat(store.contains(third)).isTrue();
    }

    @Test
    void shouldForgetWhatIsNotUsed() throws Exception {
        String unused = put("unused");
        String used = put("used");
        now.addAndGet(Duration.ofSeconds(9).toNanos());
        assertThat(store.contains(used)).isTrue();
        now.addAndGet(Duration.ofSeconds(1).toNanos());
        store.expire();
        assertThat(store.list()).extracting(FileStore.StoredFile::id).containsExactly(used);
        assertThat(store.open(unused)).isEmpty();
        now.addAndGet(Duration.ofSeconds(10).toNanos());
        assertThat(store.contains(used)).isFalse();
    }

    @Test
    void shouldKeepHeldFilesThoughOthersNeedTheRoom() throws Exception {
        String held = put("a".repeat(300));
        String other = put("b".repeat(300));
        FileStore.Hold hold = store.hold(List.of(held));
        assertThat(store.contains(other)).as("used later than the one that is held").isTrue();
        String last = put("c".repeat(500));
        assertThat(store.list())
                .extracting(FileStore.StoredFile::id)
                .containsExactlyInAnyOrder(held, last);

        hold.close();
        put("d".repeat(500));
        put("e".repeat(500));
        assertThat(store.contains(held)).isFalse();
    }

    @Test
    void shouldKeepHeldFilesBeyondTheirTime() throws Exception {
        String held = put("held");
        FileStore.Hold one = store.hold(List.of(held));
        FileStore.Hold another = store.hold(List.of(held));
        now.addAndGet(Duration.ofSeconds(10).toNanos());
        store.expire();
        one.close();
        one.close();
        now.addAndGet(Duration.ofSeconds(10).toNanos());
        assertThat(store.list()).hasSize(1);
        another.close();
        now.addAndGet(Duration.ofSeconds(9).toNanos());
        assertThat(store.list()).as("its time begins anew").hasSize(1);
        now.addAndGet(Duration.ofSeconds(1).toNanos());
        assertThat(store.list()).isEmpty();
    }

    @Test
    void shouldHoldWhatComesLater() throws Exception {
        FileStore.Hold hold = store.hold(List.of(ABC));
        put("abc");
        now.addAndGet(Duration.ofSeconds(10).toNanos());
        assertThat(store.contains(ABC)).isTrue();
        hold.close();
    }

    @Test
    void shouldRefuseWhatFindsNoRoomBesideHeldFiles() throws Exception {
        int before = OwnProcess.descriptors();
        String one = put("a".repeat(500));
        String other = put("b".repeat(100));
        FileStore.Hold hold = store.hold(List.of(one, other));
        assertThatThrownBy(() -> put("c".repeat(401)))
                .isInstanceOfSatisfying(
                        FileException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.BUSY))
                .hasMessageContaining("2 files are held");
        String last = put("c".repeat(400));
        FileStore.Hold more = store.hold(List.of(last, put("")));
        assertThatThrownBy(() -> put("e")).hasMessageContaining("4 files are held");
        assertThat(OwnProcess.descriptors()).isEqualTo(before + 4);
        more.close();
        hold.close();
        put("e");
    }

    @Test
    void shouldTakeAFileBitByBit() throws Exception {
        try (FileStore.Expected file = store.expect(new Content.Stored(ABC), 3)) {
            file.write(ByteBuffer.wrap(BYTES, 0, 2));
            assertThat(store.contains(ABC)).isFalse();
            file.write(ByteBuffer.wrap(BYTES, 2, 1));
            file.finish();
        }
        assertThat(read(ABC)).isEqualTo("abc");
    }

    @Test
    void shouldKeepNothingOfAFileThatIsNotWhatWasExpected() throws Exception {
        int before = OwnProcess.descriptors();
        Content.Stored expected = new Content.Stored(ABC);
        try (FileStore.Expected file = store.expect(expected, 3)) {
            file.write(ByteBuffer.wrap("abd".getBytes(StandardCharsets.UTF_8)));
            assertThatThrownBy(file::finish)
                    .isInstanceOf(FileException.class)
                    .hasMessageContaining(ABC)
                    .hasMessageContaining("another SHA-256");
        }
        try (FileStore.Expected file = store.expect(expected, 3)) {
            file.write(ByteBuffer.wrap(BYTES, 0, 2));
            assertThatThrownBy(file::finish).hasMessageContaining("2 of the 3 bytes");
        }
        try (FileStore.Expected file = store.expect(expected, 2)) {
            assertThatThrownBy(() -> file.write(ByteBuffer.wrap(BYTES)))
                    .hasMessageContaining("more of it than the 2 bytes");
        }
        assertThatThrownBy(() -> store.expect(expected, 501))
                .isInstanceOfSatisfying(
                        FileException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.TOO_LARGE));
        store.expect(expected, 3).close();
        assertThat(store.list()).isEmpty();
        assertThat(OwnProcess.descriptors()).isEqualTo(before);
    }

    @Test
    void shouldKeepAFileForWhoHasItOpen() throws Exception {
        String id = put("abc");
        try (Fd file = store.open(id).orElseThrow()) {
            assertThat(store.remove(id)).isTrue();
            assertThat(store.remove(id)).isFalse();
            assertThat(store.open(id)).isEqualTo(Optional.empty());
            assertThat(file.readUpTo(10)).hasSize(3);
        }
    }

    @Test
    void shouldKeepNoDescriptorsWhateverManyDo() throws Exception {
        int before = OwnProcess.descriptors();
        List<CompletableFuture<Void>> users = new ArrayList<>();
        for (int user = 0; user < 4; user++) {
            int seed = user;
            users.add(
                    CompletableFuture.runAsync(() -> {
                        for (int i = 0; i < 2000; i++) {
                            use("text " + (i * 7 + seed) % 11);
                        }
                    }));
        }
        users.forEach(CompletableFuture::join);
        assertThat(store.list()).hasSizeLessThanOrEqualTo(4);
        store.close();
        assertThat(OwnProcess.descriptors()).isEqualTo(before);
        assertThatThrownBy(() -> put("late")).isInstanceOf(IOException.class);
        assertThat(OwnProcess.descriptors()).isEqualTo(before);
    }

    private void use(String text) {
        try {
            String id = put(text);
            Optional<Fd> file = store.open(id);
            if (file.isPresent()) {
                try (Fd open = file.get()) {
                    assertThat(new String(open.readUpTo(100), StandardCharsets.UTF_8))
                            .isEqualTo(text);
                }
            }
            if (text.hashCode() % 3 == 0) {
                store.remove(id);
            }
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void shouldRefuseSettingsOutOfBounds() {
        ByteSize small = ByteSize.ofBytes(1);
        ByteSize large = ByteSize.ofBytes(2);
        assertThatThrownBy(() -> new FileStore.Settings(small, large, 1, Duration.ofSeconds(1)))
                .hasMessageContaining("cloister.store.max-file-size");
        assertThatThrownBy(() -> new FileStore.Settings(large, small, 0, Duration.ofSeconds(1)))
                .hasMessageContaining("cloister.store.max-files");
        assertThatThrownBy(() -> new FileStore.Settings(large, small, 1, Duration.ZERO))
                .hasMessageContaining("cloister.store.time-to-live");
    }
}
