// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.init.RawInit.Reply;
import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.SyscallTable;
import io.cloister.nativeio.program.RawProgram;
import io.cloister.nativeio.testkit.Command;
import io.cloister.nativeio.testkit.Skip;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The other architecture's init under user-mode emulation: its entry point, raw calls with all six
 * arguments, and clone3 on a new stack where the emulator has it. The errno numbers used here are
 * the same on both architectures.
 */
@Timeout(90)
class Aarch64InitTest {
    private static final String EMULATOR = "qemu-aarch64-static";
    private static final int FORK = 0x8000;
    private static final int REPLY = 0x8001;

    @TempDir private Path directory;

    private RawInit init;

    @BeforeEach
    void start() throws Exception {
        Skip.when(!Command.isInstalled(EMULATOR), "no " + EMULATOR);
        Path binary = directory.resolve("init-aarch64");
        try (InputStream in = Zygote.class.getResourceAsStream("init-aarch64")) {
            Skip.when(in == null, "the build had no compiler for aarch64");
            Files.copy(in, binary);
        }
        Files.setPosixFilePermissions(binary, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path emulator =
                Arrays.stream(System.getenv("PATH").split(":", -1))
                        .map(entry -> Path.of(entry, EMULATOR))
                        .filter(Files::isExecutable)
                        .findFirst()
                        .orElseThrow();
        init = RawInit.start(List.of(emulator.toString(), binary.toString()));
    }

    @AfterEach
    void stop() throws Exception {
        if (init != null) {
            init.close();
        }
    }

    @Test
    void shouldMakeSystemCalls() throws Exception {
        assertLives();
    }

    private void assertLives() throws Exception {
        RawProgram program = new RawProgram();
        program.call(sys("getpid"));
        program.call(sys("getppid"));

        Reply reply = init.exchange(program.encode(5));

        assertThat(reply.serial()).isEqualTo(5);
        assertThat(reply.fail()).isZero();
        assertThat(reply.results())
                .containsExactly((long) init.pid(), ProcessHandle.current().pid());
    }

    /** mmap takes all six: were one lost, the page would not be where it is asked for. */
    @Test
    void shouldPassSixArguments() throws Exception {
        Path file = Files.writeString(directory.resolve("page"), "x".repeat(4096) + "second page");
        RawProgram program = new RawProgram();
        long path = program.data((file + "\0").getBytes(StandardCharsets.UTF_8));
        long fd = program.call(sys("openat"), Linux.AT_FDCWD, path, 0, 0);
        int privateFixed = 0x02 | 0x10;
        long at = 0x13000000L;
        program.step(sys("mmap"), 0, 1 << 4, 0, at, 4096, 1, privateFixed, fd, 4096);
        long copy = program.data(new byte[16]);
        long iov = program.data(words(at, 11));
        long pipe = program.data(new byte[8]);
        program.call(sys("pipe2"), pipe, 0);
        // the two numbers are 32-bit each; init has 0..3 and the file, so they are 5 and 6
        program.call(sys("writev"), 6, iov, 1);
        program.call(sys("read"), 5, copy, 16);
        program.step(REPLY, 0, 0, 0, copy, 16);

        Reply reply = init.exchange(program.encode(1));

        assertThat(reply.fail()).as("%s", reply).isZero();
        assertThat(reply.results().get(1)).isEqualTo(at);
        assertThat(reply.rest()).startsWith("second page");
    }

    @Test
    void shouldOpenAndReadAFile() throws Exception {
        Path file = Files.writeString(directory.resolve("greeting"), "hello, aarch64");
        RawProgram program = new RawProgram();
        long path = program.data((file + "\0").getBytes(StandardCharsets.UTF_8));
        long how = program.data(words(0, 0, 0));
        long buffer = program.data(new byte[64]);
        long opened = program.step(sys("openat2"), Linux.CONT, 0, 0, Linux.AT_FDCWD, path, how, 24);
        long fd = program.call(sys("openat"), Linux.AT_FDCWD, path, 0, 0);
        program.step(sys("read"), 0, 1, 0, fd, buffer, 64);
        program.step(sys("pread64"), Linux.CONT, 1, 0, opened, buffer + 32, 5, 7);
        program.step(REPLY, 0, 0, 0, buffer, 64);

        Reply reply = init.exchange(program.encode(1));

        assertThat(reply.fail()).isZero();
        assertThat(reply.rest()).startsWith("hello, aarch64");
        if (reply.results().get(0) == -Linux.ENOSYS) {
            System.out.println("not tried: this emulator has no openat2");
        } else {
            assertThat(reply.rest().substring(32)).startsWith("aarch");
        }
    }

    @Test
    void shouldHandleFailuresAsTheOtherDoes() throws Exception {
        RawProgram program = new RawProgram();
        int close = sys("close");
        program.step(close, Linux.CONT, 0, 0, 4000);
        program.step(close, Linux.IGN, 0, Linux.EBADF, 4000);
        program.step(close, Linux.IGN, 0, Linux.EPERM, 4000);
        program.call(sys("getpid"));
        program.step(sys("getpid"), Linux.ALWAYS, 0, 0);

        Reply reply = init.exchange(program.encode(1));

        assertThat(reply.fail()).isEqualTo(3);
        assertThat(reply.errno()).isEqualTo(Linux.EBADF);
        assertThat(reply.results().subList(3, 5)).containsExactly(Linux.NOT_RUN, (long) init.pid());
    }

    @Test
    void shouldAnswerABadFrameAndLive() throws Exception {
        RawProgram bad = new RawProgram();
        bad.step(0xffff, 0, 0, 0);
        assertThat(init.exchange(bad.encode(1)).fail()).isEqualTo(-1);
        assertThat(init.exchange(new byte[3]).errno()).isEqualTo(Linux.EBADMSG);
        assertLives();
    }

    @Test
    void shouldStartAProgramOnItsOwnStack() throws Exception {
        long flags = Linux.CLONE_VM | Linux.CLONE_VFORK;
        RawProgram program = new RawProgram();
        long missing = program.data("/missing\0".getBytes(StandardCharsets.US_ASCII));
        long path = program.data("/bin/true\0".getBytes(StandardCharsets.US_ASCII));
        long argv = program.data(words(path, 0));
        long status = program.data(new byte[8]);
        long child = program.step(FORK, Linux.CONT, 0, 2, flags, Linux.SIGCHLD);
        program.step(sys("execve"), Linux.CONT, 0, 0, missing, argv, 0);
        program.call(sys("execve"), path, argv, argv + 8);
        program.step(sys("wait4"), Linux.ALWAYS | Linux.CONT, 1, 0, child, status, Linux.__WALL, 0);
        program.step(REPLY, Linux.ALWAYS, 0, 0, status, 8);

        Reply reply = init.exchange(program.encode(1));

        long pid = reply.results().get(0);
        Skip.when(pid == -Linux.ENOSYS || pid == -Linux.EINVAL, "this emulator has no clone3");
        assertThat(reply.fail()).as("%s", reply).isZero();
        assertThat(pid).isPositive();
        assertThat(reply.results().get(1)).isEqualTo(-Linux.ENOENT);
        assertThat(reply.results().get(3)).isEqualTo(pid);
        assertThat(reply.rest()).isEqualTo("\0".repeat(8)); // exit status 0
    }

    @Test
    void shouldEndWithItsSocket() throws Exception {
        assertLives();
        assertThat(init.end()).isZero();
    }

    private static int sys(String name) {
        return SyscallTable.of(Architecture.AARCH64).number(name).orElseThrow();
    }

    private static byte[] words(long... values) {
        ByteBuffer b =
                ByteBuffer.allocate(values.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (long value : values) {
            b.putLong(value);
        }
        return b.array();
    }
}
