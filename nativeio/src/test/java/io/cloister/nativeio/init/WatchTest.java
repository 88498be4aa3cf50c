// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.fd.Pipe;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProcessStructs;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallProgram;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The instruction that waits for a program and sees to its times, in a real init. */
@Timeout(60)
class WatchTest {
    private static final Duration LONG = Duration.ofHours(1);
    private static final Duration SHORT = Duration.ofMillis(30);

    private Zygote zygote;
    private InitProcess init;
    private int serial;

    @BeforeEach
    void start() throws Exception {
        zygote = Zygote.start();
        init =
                zygote.fork(
                        IdMap.single(
                                io.cloister.nativeio.libc.LibC.geteuid(),
                                io.cloister.nativeio.libc.LibC.getegid()));
    }

    @AfterEach
    void stop() throws Exception {
        init.close();
        zygote.close();
    }

    private ProgramResult run(SyscallProgram program) throws Exception {
        return Programs.run(init.channel(), ++serial, program);
    }

    private static Data nothingToPoll(SyscallProgram.Builder b) {
        Data poll = b.reserve(Linux.pollfd_SIZE);
        ProcessStructs.putPollFd(b, poll, 0, -1, Linux.POLLIN);
        return poll;
    }

    @Test
    void shouldEndWithTheWallTime() throws Exception {
        SyscallProgram.Builder b = SyscallProgram.named("wall");
        Step watch =
                b.watch(
                        "wait",
                        "",
                        nothingToPoll(b),
                        1,
                        ProcessStructs.watch(b, SHORT, Duration.ZERO, 1, 1),
                        Arg.of(-1),
                        Arg.ZERO);
        SyscallProgram program = b.build();
        long start = System.nanoTime();
        ProgramResult result = run(program);

        assertThat(result.failure(program)).isEmpty();
        assertThat(result.of(watch)).isZero();
        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(SHORT.toNanos());
    }

    @Test
    void shouldEndWhenADescriptorIsReady() throws Exception {
        Pipe pipe = Pipe.open("ready");
        try (Fd read = pipe.readEnd();
                Fd write = pipe.writeEnd()) {
            write.write(new byte[1]);
            SyscallProgram.Builder b = SyscallProgram.named("ready");
            Data poll = b.reserve(Linux.pollfd_SIZE);
            // the first descriptor that is received becomes the first above the socket
            ProcessStructs.putPollFd(b, poll, 0, Linux.SOCK + 1, Linux.POLLIN);
            b.descriptor(read);
            Data limits = ProcessStructs.watch(b, LONG, LONG, 1, 2);
            Step pid = b.call("get", "pid", Sys.GETPID);
            Step watch = b.watch("wait", "", poll, 1, limits, Arg.of(-1), pid.result());
            ProgramResult result = run(b.build());

            assertThat(result.of(watch)).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shouldEndWhenAProcessHasUsedItsCpuTime(boolean manyCores) throws Exception {
        SyscallProgram.Builder b = SyscallProgram.named("spin");
        Data pidfd = b.reserve(Long.BYTES);
        Data shell = b.string("/bin/sh");
        Data argv =
                b.pointers(
                        java.util.List.of(shell, b.string("-c"), b.string("while :; do :; done")));
        Data envp = b.pointers(java.util.List.of());
        Step fork =
                b.fork(
                        "fork",
                        "spinner",
                        Linux.CLONE_VM | Linux.CLONE_VFORK | Linux.CLONE_PIDFD,
                        Linux.SIGCHLD,
                        pidfd.address(),
                        Arg.ZERO,
                        () ->
                                b.call(
                                        "execute",
                                        "sh",
                                        Sys.EXECVE,
                                        shell.address(),
                                        argv.address(),
                                        envp.address()));
        Data limits = ProcessStructs.watch(b, LONG, SHORT, 1, manyCores ? 64 : 1);
        Step watch = b.watch("watch", "sh", nothingToPoll(b), 1, limits, Arg.of(-1), fork.result());
        b.call("kill", "sh", Sys.KILL, Arg.of(-1), Arg.of(Linux.SIGKILL)).always();
        SyscallProgram program = b.build();
        ProgramResult result = run(program);

        assertThat(result.failure(program)).isEmpty();
        assertThat(result.of(watch)).isEqualTo(-Linux.ETIME);
    }

    @ParameterizedTest
    @CsvSource({"1000", "usage_usec 1000", "usage_usec 1000\\nuser_usec 7"})
    void shouldCountOnlyWhatIsUsedFromThenOn(String usage) throws Exception {
        try (Fd file = usageFile(usage)) {
            SyscallProgram.Builder b = SyscallProgram.named("file");
            Arg descriptor = b.descriptor(file);
            Data limits = ProcessStructs.watch(b, SHORT, Duration.ofNanos(500), 1, 1);
            Step watch = b.watch("w", "", nothingToPoll(b), 1, limits, descriptor, Arg.ZERO);

            assertThat(run(b.build()).of(watch)).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "usage", "-"})
    void shouldRefuseAFileWithoutANumber(String usage) throws Exception {
        try (Fd file = usageFile(usage)) {
            SyscallProgram.Builder b = SyscallProgram.named("file");
            Arg descriptor = b.descriptor(file);
            Data limits = ProcessStructs.watch(b, LONG, LONG, 1, 1);
            Step watch = b.watch("w", "", nothingToPoll(b), 1, limits, descriptor, Arg.ZERO);

            assertThat(run(b.build()).of(watch)).isEqualTo(-Linux.EBADMSG);
        }
    }

    private static Fd usageFile(String usage) throws Exception {
        return MemFd.sealed("usage", usage.getBytes(StandardCharsets.US_ASCII));
    }

    @ParameterizedTest
    @CsvSource({"-1, 0, 1", "0, -1, 1", "9223372036854775807, 0, 1", "1, 1, 0", "1, 1, -5"})
    void shouldRefuseLimitsOutOfBounds(long wall, long cpu, long cores) throws Exception {
        SyscallProgram.Builder b = SyscallProgram.named("bounds");
        Data limits = b.reserve(Linux.watch_SIZE);
        b.putLong(limits, Linux.watch_wall, wall);
        b.putLong(limits, Linux.watch_cpu, cpu);
        b.putLong(limits, Linux.watch_scale, 1);
        b.putLong(limits, Linux.watch_cores, cores);
        Step watch = b.watch("w", "", nothingToPoll(b), 1, limits, Arg.of(-1), Arg.of(1));

        assertThat(run(b.build()).of(watch)).isEqualTo(-Linux.EINVAL);
    }

    @Test
    void shouldRefuseLimitsThatLieElsewhere() throws Exception {
        SyscallProgram.Builder b = SyscallProgram.named("elsewhere");
        Data nowhere = new Data(Linux.MESSAGE_AT - 64, Linux.watch_SIZE, null);
        Step watch = b.watch("w", "", nothingToPoll(b), 1, nowhere, Arg.of(-1), Arg.of(1));

        assertThat(run(b.build()).of(watch)).isEqualTo(-Linux.EFAULT);
    }
}
