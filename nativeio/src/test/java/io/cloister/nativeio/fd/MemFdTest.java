// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class MemFdTest {
    private static final byte[] BYTES = "contents".getBytes(StandardCharsets.US_ASCII);

    @Test
    void shouldSealAgainstEveryChange() throws Exception {
        try (Fd fd = MemFd.sealed("sealed", BYTES)) {
            assertThat(LibC.fcntl(fd.number(), Linux.F_GET_SEALS, 0))
                    .isEqualTo(
                            Linux.F_SEAL_SEAL
                                    | Linux.F_SEAL_SHRINK
                                    | Linux.F_SEAL_GROW
                                    | Linux.F_SEAL_WRITE);
            assertThatThrownBy(() -> fd.write(BYTES))
                    .isInstanceOfSatisfying(
                            SystemCallException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));
            assertThat(LibC.ftruncate(fd.number(), 1)).isEqualTo(-1);
            assertThat(LibC.ftruncate(fd.number(), 100)).isEqualTo(-1);
            assertThat(LibC.fcntl(fd.number(), Linux.F_ADD_SEALS, 0)).isEqualTo(-1);
            assertThat(fd.readUpTo(100)).isEqualTo(BYTES);
        }
    }

    /** A program may open its own input again through /proc: that must not make it writable. */
    @Test
    void shouldStaySealedThroughAnotherOpen() throws Exception {
        try (Fd fd = MemFd.sealed("sealed", BYTES);
                Fd again = Fd.open("/proc/self/fd/" + fd.number(), Linux.O_RDWR, 0)) {
            assertThatThrownBy(() -> again.write(BYTES)).isInstanceOf(SystemCallException.class);
        }
    }

    @Test
    void shouldStartAtTheBeginning() throws Exception {
        try (Fd fd = MemFd.sealed("sealed", BYTES)) {
            assertThat(LibC.lseek(fd.number(), 0, Linux.SEEK_CUR)).isZero();
            assertThat(LibC.read(fd.number(), new byte[100], 100)).isEqualTo(BYTES.length);
            assertThat(FdTest.isCloseOnExec(fd)).isTrue();
        }
    }

    @Test
    void shouldBeEmptyWhenNothingIsIn() throws Exception {
        try (Fd fd = MemFd.sealed("empty", new byte[0])) {
            assertThat(fd.size()).isZero();
            assertThat(fd.readUpTo(10)).isEmpty();
        }
    }

    @Test
    void shouldRunAsAProgram() throws Exception {
        try (Fd fd = MemFd.executable("true", Files.readAllBytes(Path.of("/bin/true")))) {
            String path = "/proc/" + ProcessHandle.current().pid() + "/fd/" + fd.number();
            assertThat(new ProcessBuilder(path).start().waitFor()).isZero();
        }
    }

    @Test
    void shouldBeWritableWhenAskedFor() throws Exception {
        try (Fd fd = MemFd.writable("scratch")) {
            fd.write(BYTES);
            assertThat(LibC.ftruncate(fd.number(), 3)).isZero();
            assertThat(fd.size()).isEqualTo(3);
        }
    }

    @Test
    void shouldRefuseANameThatIsTooLong() {
        assertThatThrownBy(() -> MemFd.writable("n".repeat(250)))
                .isInstanceOfSatisfying(
                        SystemCallException.class,
                        e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
        assertThatThrownBy(() -> MemFd.sealed("n".repeat(250), BYTES))
                .isInstanceOf(SystemCallException.class);
    }
}
