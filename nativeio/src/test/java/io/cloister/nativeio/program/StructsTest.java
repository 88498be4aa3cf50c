// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.program.ProcessStructs.Rusage;
import io.cloister.nativeio.program.Structs.DirectoryEntry;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Structs that come back from init, true ones and such as no kernel writes. */
@Timeout(60)
class StructsTest {

    @Test
    void shouldReadDirectoryEntriesWithoutTheDots() throws Exception {
        ByteBuffer bytes = buffer(512);
        entry(bytes, Linux.DT_DIR, ".");
        entry(bytes, Linux.DT_DIR, "..");
        entry(bytes, Linux.DT_DIR, "sub");
        entry(bytes, 8, "file with spaces");
        entry(bytes, Linux.DT_UNKNOWN, ".hidden");

        var entries = DirectoryEntry.readAll(bytes, bytes.position());

        assertThat(entries)
                .extracting(DirectoryEntry::text)
                .containsExactly("sub", "file with spaces", ".hidden");
        assertThat(entries)
                .extracting(DirectoryEntry::maybeDirectory)
                .containsExactly(true, false, true);
    }

    @Test
    void shouldKeepNamesThatAreNotText() throws Exception {
        ByteBuffer bytes = buffer(64);
        entry(bytes, 8, new byte[] {(byte) 0xff, 'x'});

        DirectoryEntry entry = DirectoryEntry.readAll(bytes, bytes.position()).get(0);

        assertThat(entry.name()).containsExactly(0xff, 'x');
        assertThat(entry.text()).isEqualTo("\ufffdx");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 18, 19, 25, 65535})
    void shouldRefuseEntriesOfFalseLength(int reclen) {
        ByteBuffer bytes = buffer(24);
        entry(bytes, 8, "name");
        bytes.putShort(Linux.dirent64_d_reclen, (short) reclen);

        assertThatThrownBy(() -> DirectoryEntry.readAll(bytes, 24))
                .isInstanceOf(BadReplyException.class);
    }

    @Test
    void shouldRefuseNamesThatAreEmptyOrDoNotEnd() {
        ByteBuffer empty = buffer(24);
        entry(empty, 8, "");
        assertThatThrownBy(() -> DirectoryEntry.readAll(empty, 24))
                .isInstanceOf(BadReplyException.class);

        ByteBuffer endless = buffer(24);
        entry(endless, 8, "name");
        for (int i = Linux.dirent64_d_name; i < 24; i++) {
            endless.put(i, (byte) 'a');
        }
        assertThatThrownBy(() -> DirectoryEntry.readAll(endless, 24))
                .isInstanceOf(BadReplyException.class);
    }

    @Test
    void shouldRefuseALengthBeyondTheBuffer() {
        ByteBuffer bytes = buffer(24);
        entry(bytes, 8, "name");
        assertThatThrownBy(() -> DirectoryEntry.readAll(bytes, 1000))
                .isInstanceOf(BadReplyException.class);
    }

    @Test
    void shouldReadOrRefuseRandomEntries() {
        Random random = new Random(1);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[random.nextInt(200)];
            random.nextBytes(bytes);
            for (int at = 0; at + 24 < bytes.length; at += 24) {
                bytes[at + Linux.dirent64_d_reclen] = (byte) (random.nextInt(8) == 0 ? 23 : 24);
                bytes[at + Linux.dirent64_d_reclen + 1] = 0;
                bytes[at + 23] = 0;
            }
            ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            try {
                DirectoryEntry.readAll(buffer, bytes.length);
            } catch (BadReplyException expected) {
                assertThat(expected).hasMessageContaining("directory entry");
            }
        }
    }

    @Test
    void shouldReadTimes() throws Exception {
        SyscallProgram.Builder b = SyscallProgram.named("time");
        Duration span = Duration.ofSeconds(3, 999_999_999);
        ProcessStructs.timespec(b, span);
        ByteBuffer out = buffer(64);
        b.build().encode(1, out);

        assertThat(ProcessStructs.readTimespec(out, 16)).isEqualTo(span);
    }

    @ParameterizedTest
    @CsvSource({"-1,0", "0,-1", "0,1000000000", "-9223372036854775808,0", "0,9223372036854775807"})
    void shouldRefuseTimesThatAreNone(long seconds, long nanos) {
        ByteBuffer bytes = buffer(16).putLong(seconds).putLong(nanos);
        assertThatThrownBy(() -> ProcessStructs.readTimespec(bytes, 0))
                .isInstanceOf(BadReplyException.class);
    }

    @Test
    void shouldReadTheLargestTime() throws Exception {
        ByteBuffer bytes = buffer(16).putLong(Long.MAX_VALUE).putLong(999_999_999);
        assertThat(ProcessStructs.readTimespec(bytes, 0).toSeconds()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void shouldReadUsage() throws Exception {
        Rusage usage = Rusage.read(rusage(1, 2, 3, 4, 5), 0);

        assertThat(usage)
                .isEqualTo(
                        new Rusage(
                                Duration.ofSeconds(1, 2_000), Duration.ofSeconds(3, 4_000), 5120));
    }

    @ParameterizedTest
    @CsvSource({
        "-1,0,0,0,0",
        "0,-1,0,0,0",
        "0,1000000,0,0,0",
        "0,0,-1,0,0",
        "0,0,0,1000000,0",
        "0,0,0,0,-1",
        "0,0,0,0,9007199254740992"
    })
    void shouldRefuseUsageThatCannotBe(long a, long b, long c, long d, long e) {
        assertThatThrownBy(() -> Rusage.read(rusage(a, b, c, d, e), 0))
                .isInstanceOf(BadReplyException.class);
    }

    @Test
    void shouldReadPolledEventsWithoutSign() {
        ByteBuffer bytes = buffer(2 * Linux.pollfd_SIZE);
        bytes.putShort(Linux.pollfd_SIZE + Linux.pollfd_revents, (short) 0x8001);

        assertThat(ProcessStructs.polled(bytes, 0, 0)).isZero();
        assertThat(ProcessStructs.polled(bytes, 0, 1)).isEqualTo(0x8001);
    }

    private static ByteBuffer rusage(long a, long b, long c, long d, long e) {
        ByteBuffer bytes = buffer(Linux.rusage_SIZE);
        bytes.putLong(Linux.rusage_ru_utime, a).putLong(Linux.rusage_ru_utime + 8, b);
        bytes.putLong(Linux.rusage_ru_stime, c).putLong(Linux.rusage_ru_stime + 8, d);
        return bytes.putLong(Linux.rusage_ru_maxrss, e);
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void entry(ByteBuffer bytes, int type, String name) {
        entry(bytes, type, name.getBytes(StandardCharsets.UTF_8));
    }

    private static void entry(ByteBuffer bytes, int type, byte[] name) {
        int at = bytes.position();
        int size = (Linux.dirent64_d_name + name.length + 1 + 7) / 8 * 8;
        bytes.putShort(at + Linux.dirent64_d_reclen, (short) size);
        bytes.put(at + Linux.dirent64_d_type, (byte) type);
        bytes.put(at + Linux.dirent64_d_name, name);
        bytes.position(at + size);
    }
}
