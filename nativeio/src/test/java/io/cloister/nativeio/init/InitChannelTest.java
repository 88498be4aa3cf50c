// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.fd.Pipe;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.BadReplyException;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.nativeio.testkit.OpenDescriptors;
import io.cloister.nativeio.testkit.ProcStatus;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The channel with a real init, which any user may have: container root is this user. */
@Timeout(60)
class InitChannelTest {
    private static final Duration DEADLINE = Duration.ofSeconds(20);

    private Zygote zygote;
    private InitProcess init;
    private InitChannel channel;
    private int serial = 100;

    @BeforeEach
    void start() throws Exception {
        zygote = Zygote.start();
        init = zygote.fork(IdMap.single(LibC.geteuid(), LibC.getegid()));
        channel = init.channel();
    }

    @AfterEach
    void stop() throws Exception {
        if (init != null) {
            init.close();
        }
        zygote.close();
    }

    @Test
    void shouldCarryAsManyDescriptorsAsThereCanBe() throws Exception {
        int count = SyscallProgram.MAX_DESCRIPTORS;
        assertThat(count).isEqualTo(253);
        roundTrip(1, 1).forEach(Fd::close); // so that everything is loaded
        Map<Integer, String> before = OpenDescriptors.own();

        List<Fd> received = roundTrip(count, count);

        assertThat(received).hasSize(count);
        for (int i = 0; i < received.size(); i++) {
            Fd fd = received.get(i);
            assertThat(new String(fd.readUpTo(20), StandardCharsets.US_ASCII))
                    .isEqualTo("file " + i);
            assertThat(LibC.fcntl(fd.number(), Linux.F_GETFD, 0)).isEqualTo(Linux.FD_CLOEXEC);
        }
        received.forEach(Fd::close);
        assertThat(OpenDescriptors.own()).hasSameSizeAs(before);
    }

    /**
     * Sends files to init, which reads the last byte of each, and sends duplicates of the first
     * ones back.
     */
    private List<Fd> roundTrip(int count, int back) throws IOException {
        List<Fd> files = new ArrayList<>();
        try {
            SyscallProgram.Builder b = SyscallProgram.named("descriptors");
            Data read = b.reserve(count);
            List<Arg> slots = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                byte[] text = ("file " + i).getBytes(StandardCharsets.US_ASCII);
                files.add(MemFd.sealed("file", text));
                slots.add(b.descriptor(files.get(i)));
                b.call(
                        "read",
                        "file " + i,
                        Sys.PREAD64,
                        slots.get(i),
                        read.address(i),
                        Arg.of(1),
                        Arg.of(text.length - 1));
            }
            List<Step> copies = new ArrayList<>();
            for (int i = 0; i < back; i++) {
                Arg duplicate = Arg.of(Linux.F_DUPFD_CLOEXEC);
                copies.add(b.call("duplicate", "", Sys.FCNTL, slots.get(i), duplicate, Arg.ZERO));
            }
            b.replyWithResults(read, copies.get(0), back);
            SyscallProgram program = b.build();
            ProgramResult result = Programs.run(channel, ++serial, program);
            assertThat(result.failure(program)).isEmpty();
            for (int i = 0; i < count; i++) {
                assertThat((int) result.bytes(program, read).get(i)).isEqualTo('0' + i % 10);
            }
            return result.descriptors();
        } finally {
            files.forEach(Fd::close);
        }
    }

    @Test
    void shouldRefuseToReplyWithMoreDescriptors() throws Exception {
        SyscallProgram.Builder b = SyscallProgram.named("too many");
        Data none = b.reserve(8);
        Step first = b.call("get", "pid", Sys.GETPID);
        b.replyWithResults(none, first, SyscallProgram.MAX_DESCRIPTORS + 1);
        SyscallProgram program = b.build();

        ProgramResult result = Programs.run(channel, 1, program);

        assertThat(result.failure(program))
                .hasValueSatisfying(f -> assertThat(f.errno()).isEqualTo(Errno.EFAULT));
        assertThat(result.descriptors()).isEmpty();
        assertThat(Programs.getpid(channel, 2)).isEqualTo(1);
    }

    @Test
    void shouldLeaveOutTheDescriptorsOfFailedSteps() throws Exception {
        SyscallProgram.Builder b = SyscallProgram.named("some");
        Data none = b.reserve(8);
        Arg path = b.string("/dev/null").address();
        Step first =
                b.call("open", "", Sys.OPENAT, Arg.AT_FDCWD, b.string("/nowhere").address())
                        .continuing();
        b.call("open", "", Sys.OPENAT, Arg.AT_FDCWD, path);
        b.call("open", "", Sys.CLOSE, Arg.of(-1)).continuing();
        b.replyWithResults(none, first, 3);
        SyscallProgram program = b.build();

        ProgramResult result = Programs.run(channel, 1, program);

        assertThat(result.failure(program)).isEmpty();
        assertThat(result.failureOf(first))
                .hasValueSatisfying(f -> assertThat(f.errno()).isEqualTo(Errno.ENOENT));
        assertThat(result.descriptors()).hasSize(1);
        result.closeDescriptors();
    }

    @Test
    void shouldCarryTheLargestMessageThereAndBack() throws Exception {
        byte[] bytes = new byte[SyscallProgram.MAX_BYTES - SyscallProgram.EMPTY_BYTES - 56];
        new Random(1).nextBytes(bytes);
        SyscallProgram.Builder b = SyscallProgram.named("largest");
        Data data = b.bytes(bytes);
        b.reply(data);
        SyscallProgram program = b.build();
        assertThat(program.size()).isEqualTo(SyscallProgram.MAX_BYTES);

        for (int i = 1; i <= 20; i++) {
            ProgramResult result = Programs.run(channel, i, program);
            assertThat(result.failure(program)).isEmpty();
            ByteBuffer back = result.bytes(program, data);
            byte[] received = new byte[bytes.length];
            back.get(received);
            assertThat(received).isEqualTo(bytes);
        }
    }

    @Test
    void shouldRunAsManyStepsAsThereCanBe() throws Exception {
        SyscallProgram.Builder b = SyscallProgram.named("many");
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < Linux.COUNT_MAX; i++) {
            steps.add(b.call("get", "pid", Sys.GETPID));
        }

        ProgramResult result = Programs.run(channel, 1, b.build());

        assertThat(steps).allSatisfy(step -> assertThat(result.of(step)).isEqualTo(1));
    }

    @Test
    void shouldAnswerNothingWithNothing() throws Exception {
        ProgramResult result = Programs.run(channel, 77, SyscallProgram.EMPTY);

        assertThat(result.serial()).isEqualTo(77);
        assertThat(result.fail()).isZero();
        assertThat(result.bytes().remaining()).isZero();
    }

    @Test
    void shouldAnnounceBeforeTheEnd() throws Exception {
        try (Pipe pipe = Pipe.open("gate")) {
            SyscallProgram.Builder b = SyscallProgram.named("announce");
            Data byteRead = b.reserve(8);
            Arg gate = b.descriptor(pipe.readEnd());
            Step copy =
                    b.call(
                            "duplicate",
                            "gate",
                            Sys.FCNTL,
                            gate,
                            Arg.of(Linux.F_DUPFD_CLOEXEC),
                            Arg.ZERO);
            b.announce(copy);
            b.call("wait", "gate", Sys.READ, gate, byteRead.address(), Arg.of(1)).positive();
            b.reply(byteRead);
            SyscallProgram program = b.build();
            channel.send(5, program);

            ProgramResult early = channel.receive();
            assertThat(early.early()).isTrue();
            assertThat(early.serial()).isEqualTo(5);
            assertThat(early.descriptors()).hasSize(1);
            assertThat(early.ran(program.steps().get(2))).isFalse();
            early.closeDescriptors();

            pipe.writeEnd().write(new byte[] {'x'});
            ProgramResult last = channel.receive();
            assertThat(last.early()).isFalse();
            assertThat(last.bytes(program, byteRead).get(0)).isEqualTo((byte) 'x');
        }
    }

    @Test
    void shouldNameTheStepThatFailedInAChild() throws Exception {
        SyscallProgram program = Programs.start("/no/such/program");

        ProgramResult result = Programs.run(channel, 1, program);

        assertThat(result.failure(program))
                .hasValueSatisfying(f ->
                        assertThat(f.message())
                                .isEqualTo(
                                        "execute /no/such/program: execve: ENOENT (No such file or directory)"));
        assertThat(Programs.getpid(channel, 2)).isEqualTo(1);
    }

    @Test
    void shouldTakeAReplyOnlyWhenThereIsOne() throws Exception {
        try (Fd readiness = channel.readiness()) {
            assertThat(channel.receiveNow()).isEmpty();
            assertThat(readiness.isReadable()).isFalse();
            channel.send(7, SyscallProgram.EMPTY);
            await().atMost(DEADLINE).until(readiness::isReadable);
            assertThat(channel.receiveNow())
                    .hasValueSatisfying(result -> assertThat(result.serial()).isEqualTo(7));
            assertThat(channel.receiveNow()).isEmpty();

            init.kill();
            await().atMost(DEADLINE).until(readiness::isReadable);
            assertThatThrownBy(channel::receiveNow).isInstanceOf(IOException.class);
            channel.close();
            assertThat(readiness.isReadable()).isTrue();
            assertThatThrownBy(channel::receiveNow).isInstanceOf(EOFException.class);
        }
    }

    @Test
    void shouldTellTheReceiverThatInitIsGone() throws Exception {
        CompletableFuture<ProgramResult> receiver = receiveElsewhere();
        init.kill();

        assertThatThrownBy(() -> receiver.get(20, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(IOException.class);
        assertThat(init.awaitExit(DEADLINE)).isTrue();
        assertThatThrownBy(() -> channel.send(2, SyscallProgram.EMPTY))
                .isInstanceOf(IOException.class);
        assertThatThrownBy(channel::receive).isInstanceOf(IOException.class);
    }

    @Test
    void shouldEndABlockedReceiverWhenClosed() throws Exception {
        CompletableFuture<ProgramResult> receiver = receiveElsewhere();
        channel.close();

        assertThatThrownBy(() -> receiver.get(20, TimeUnit.SECONDS))
                .hasCauseInstanceOf(EOFException.class);
        assertThat(init.awaitExit(DEADLINE)).isTrue();
        assertThatThrownBy(() -> channel.send(2, SyscallProgram.EMPTY))
                .isInstanceOf(IOException.class);
    }

    @Test
    void shouldWaitForAStoppedInitAndHearOfItsEnd() throws Exception {
        init.pidfd().signal(Linux.SIGSTOP);
        await().atMost(DEADLINE).until(() -> ProcStatus.field(init.pid(), "State").startsWith("T"));
        channel.send(1, SyscallProgram.EMPTY);
        CompletableFuture<ProgramResult> receiver = receiveElsewhere();
        assertThat(receiver).isNotDone();

        init.pidfd().signal((int) Linux.constant("SIGCONT"));
        assertThat(receiver.get(20, TimeUnit.SECONDS).serial()).isEqualTo(1);

        init.pidfd().signal(Linux.SIGSTOP);
        CompletableFuture<ProgramResult> next = receiveElsewhere();
        init.kill();
        assertThatThrownBy(() -> next.get(20, TimeUnit.SECONDS))
                .hasCauseInstanceOf(IOException.class);
    }

    private CompletableFuture<ProgramResult> receiveElsewhere() {
        CompletableFuture<ProgramResult> result = new CompletableFuture<>();
        Thread thread =
                new Thread(
                        () -> {
                            try {
                                result.complete(channel.receive());
                            } catch (IOException | RuntimeException e) {
                                result.completeExceptionally(e);
                            }
                        },
                        "receiver");
        thread.setDaemon(true);
        thread.start();
        await().atMost(DEADLINE).until(() -> isInNativeCall(thread) || result.isDone());
        return result;
    }

    /** As near as one can get to "blocked in poll". */
    private static boolean isInNativeCall(Thread thread) {
        StackTraceElement[] stack = thread.getStackTrace();
        return stack.length > 0 && stack[0].isNativeMethod();
    }

    @Test
    void shouldRefuseAReplyThatIsNone() throws Exception {
        InitChannel.Pair pair = InitChannel.open();
        try (InitChannel ours = pair.ours();
                Fd theirs = pair.theirs();
                Fd extra = MemFd.writable("extra")) {
            Map<Integer, String> before = OpenDescriptors.own();
            theirs.write(new byte[] {1, 2, 3});
            assertThatThrownBy(ours::receive).isInstanceOf(BadReplyException.class);
            theirs.write("x".repeat(1000).getBytes(StandardCharsets.US_ASCII));
            assertThatThrownBy(ours::receive).isInstanceOf(BadReplyException.class);
            assertThat(OpenDescriptors.own()).hasSameSizeAs(before);
            assertThat(extra.isOpen()).isTrue();
        }
    }

    @Test
    void shouldHearOfAnEndThatComesWithoutAReply() throws Exception {
        InitChannel.Pair pair = InitChannel.open();
        pair.theirs().close();
        assertThatThrownBy(pair.ours()::receive).isInstanceOf(EOFException.class);
        assertThatThrownBy(() -> pair.ours().send(1, SyscallProgram.EMPTY))
                .isInstanceOf(IOException.class);
        pair.ours().close();
    }
}
