// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PipeAndPidFdTest {

    @Test
    void shouldCarryBytesFromEndToEnd() throws Exception {
        try (Pipe pipe = Pipe.open("test")) {
            assertThat(FdTest.isCloseOnExec(pipe.readEnd())).isTrue();
            assertThat(FdTest.isCloseOnExec(pipe.writeEnd())).isTrue();
            pipe.writeEnd().write("abc".getBytes(StandardCharsets.US_ASCII));
            pipe.writeEnd().close();

            byte[] buffer = new byte[10];
            assertThat(LibC.read(pipe.readEnd().number(), buffer, buffer.length)).isEqualTo(3);
            assertThat(LibC.read(pipe.readEnd().number(), buffer, buffer.length)).isZero();
            assertThat(pipe.readEnd().what()).isEqualTo("read end of test");
        }
    }

    @Test
    void shouldCloseBothEnds() throws Exception {
        Pipe pipe = Pipe.open("test");
        pipe.readEnd().close();
        pipe.close();
        pipe.close();

        assertThat(pipe.readEnd().isOpen()).isFalse();
        assertThat(pipe.writeEnd().isOpen()).isFalse();
    }

    @Test
    void shouldSeeAProcessEnd() throws Exception {
        Process process = new ProcessBuilder("sleep", "1000").start();
        try (PidFd pidfd = PidFd.open((int) process.pid())) {
            assertThat(pidfd.pid()).hasValue((int) process.pid());
            assertThat(pidfd.hasExited()).isFalse();
            assertThat(pidfd.awaitExit(Duration.ofMillis(1))).isFalse();

            assertThat(pidfd.signal(Linux.SIGKILL)).isTrue();

            assertThat(pidfd.awaitExit(Duration.ofSeconds(20))).isTrue();
            assertThat(pidfd.hasExited()).isTrue();
            // the JVM reaps it
            assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
            assertThat(pidfd.pid()).isEmpty();
            assertThat(pidfd.signal(Linux.SIGKILL)).isFalse();
            assertThat(pidfd.signal(0)).isFalse();
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void shouldSayThatThereIsNoSuchProcess() throws Exception {
        Process process = new ProcessBuilder("true").start();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        int gone = (int) process.pid();

        assertThatThrownBy(() -> PidFd.open(gone))
                .isInstanceOfSatisfying(
                        SystemCallException.class,
                        e -> assertThat(e.errno()).isEqualTo(Errno.ESRCH))
                .hasMessageContaining("process " + gone);
    }

    @Test
    void shouldRefuseASignalThatIsNone() throws Exception {
        try (PidFd self = PidFd.open((int) ProcessHandle.current().pid())) {
            assertThatThrownBy(() -> self.signal(1000))
                    .isInstanceOfSatisfying(
                            SystemCallException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL));
            assertThat(self.signal(0)).isTrue();
            assertThat(FdTest.isCloseOnExec(self.fd())).isTrue();
        }
    }

    @Test
    void shouldRefuseToBeUsedWhenClosed() throws Exception {
        PidFd self = PidFd.open((int) ProcessHandle.current().pid());
        self.close();

        assertThatThrownBy(() -> self.signal(0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(self::hasExited).isInstanceOf(IllegalStateException.class);
    }
}
