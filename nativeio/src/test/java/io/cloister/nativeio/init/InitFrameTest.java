// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.init.RawInit.Reply;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.RawProgram;
import io.cloister.nativeio.testkit.OpenDescriptors;
import io.cloister.nativeio.testkit.ProcStatus;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The real init and frames by hand: bad ones are answered, and the process lives on. */
@Timeout(60)
class InitFrameTest {
    private static final int GETPID = Sys.GETPID.number();
    private static final int FORK = 0x8000;
    private static final int REPLY = 0x8001;
    private static final int WATCH = 0x8002;

    @TempDir private Path directory;

    private RawInit init;

    @BeforeEach
    void start() throws Exception {
        init = RawInit.start(directory);
    }

    @AfterEach
    void stop() throws Exception {
        init.close();
    }

    static Stream<Arguments> badFrames() {
        byte[] good = one(GETPID, 0, 0, 0).encode(7);
        RawProgram any = one(GETPID, 0, 0, 0);
        return Stream.of(
                Arguments.of("one byte", new byte[1], "EBADMSG"),
                Arguments.of("half a header", Arrays.copyOf(good, 8), "EBADMSG"),
                Arguments.of("a header cut short", Arrays.copyOf(good, 15), "EBADMSG"),
                Arguments.of("no instruction", Arrays.copyOf(good, 16), "EBADMSG"),
                Arguments.of("an instruction cut short", Arrays.copyOf(good, 71), "EBADMSG"),
                Arguments.of("a byte too many", Arrays.copyOf(good, 73), "EBADMSG"),
                Arguments.of("count too small", any.encode(7, 0, 0, 0), "EBADMSG"),
                Arguments.of("count too large", any.encode(7, 2, 0, 0), "EBADMSG"),
                Arguments.of("count of 2^32 - 1", any.encode(7, -1, 0, 0), "EBADMSG"),
                Arguments.of("data of 2^32 - 1", any.encode(7, 1, -1, 0), "EBADMSG"),
                Arguments.of("data of 2^32 - 8", any.encode(7, 1, -8, 0), "EBADMSG"),
                Arguments.of("data that is not there", any.encode(7, 1, 8, 0), "EBADMSG"),
                Arguments.of("data over all", any.encode(7, 0, 1 << 20, 0), "EBADMSG"),
                Arguments.of("a reserved word", any.encode(7, 1, 0, 1), "EBADMSG"),
                Arguments.of("steps beyond the most", many(4097), "EBADMSG"),
                Arguments.of("an unknown flag", one(GETPID, 32, 0, 0).encode(7), "EINVAL"),
                Arguments.of("all flags", one(GETPID, 255, 0, 0).encode(7), "EINVAL"),
                Arguments.of("a seventh indirection", one(GETPID, 0, 64, 0).encode(7), "EINVAL"),
                Arguments.of("all indirections", one(GETPID, 0, 255, 0).encode(7), "EINVAL"),
                Arguments.of("an unknown operation", one(0x8003, 0, 0, 0).encode(7), "EINVAL"),
                Arguments.of("the last operation", one(0xffff, 0, 0, 0).encode(7), "EINVAL"),
                Arguments.of("a block over the end", one(FORK, 0, 0, 1).encode(7), "EINVAL"),
                Arguments.of("a block of 2^32 - 1", one(FORK, 0, 0, -1).encode(7), "EINVAL"),
                Arguments.of("a fork within a block", nested(), "EINVAL"),
                Arguments.of("a fork for ever", one(FORK, Linux.REPEAT, 0, 0).encode(7), "EINVAL"),
                Arguments.of("a reply for ever", one(REPLY, 4, 0, 1).encode(7), "EINVAL"),
                Arguments.of("a watch for ever", one(WATCH, 4, 0, 0).encode(7), "EINVAL"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badFrames")
    void shouldAnswerABadFrameAndLive(String what, byte[] frame, String errno) throws Exception {
        Reply reply = init.exchange(frame);

        assertThat(reply.fail()).isEqualTo(-1);
        assertThat(reply.kind()).isEqualTo(Linux.FINAL);
        assertThat(reply.errno()).isEqualTo((int) Linux.constant(errno));
        assertThat(reply.results()).isEmpty();
        assertThat(reply.rest()).isEmpty();
        assertThat(reply.serial()).isEqualTo(frame.length < 16 ? 0 : 7);
        assertLives();
    }

    @Test
    void shouldAnswerAMessageLongerThanItsMemory() throws Exception {
        RawProgram program = new RawProgram();
        program.data(new byte[1 << 18]);

        Reply reply = init.exchange(program.encode(7));

        assertThat(reply.fail()).isEqualTo(-1);
        assertThat(reply.errno()).isEqualTo(Linux.EMSGSIZE);
        assertThat(reply.serial()).isEqualTo(7);
        assertLives();
    }

    @Test
    void shouldRunNothingOfABadProgram() throws Exception {
        byte[] name = (directory.resolve("made") + "\0").getBytes(StandardCharsets.UTF_8);
        RawProgram program = new RawProgram();
        program.call(Sys.MKDIRAT.number(), Linux.AT_FDCWD, program.data(name), 0700);
        program.step(0xffff, 0, 0, 0);

        assertThat(init.exchange(program.encode(1)).fail()).isEqualTo(-1);
        assertThat(directory.resolve("made")).doesNotExist();
    }

    @Test
    void shouldRefuseAddressesOutsideItsAreas() throws Exception {
        long area = 0x12000000L;
        long end = area + Linux.MESSAGE_MAX;
        long[][] bad = {
            {0, 1, 0, 0},
            {-1, 1, 0, 0},
            {area - 1, 1, 0, 0},
            {end, 1, 0, 0},
            {end + 1, 0, 0, 0},
            {area, Linux.MESSAGE_MAX + 1L, 0, 0},
            {area, -1, 0, 0},
            {area, Long.MAX_VALUE, 0, 0},
            {area, Long.MIN_VALUE, 0, 0},
            {area + 8, -8, 0, 0},
            {area, 0, area + 4, 1}, // not aligned
            {area, 0, 0, 1},
            {area, 0, end - 8, 2},
            {area, 0, area, -1},
            {area, 0, area, 254},
            {area, 0, area, Long.MAX_VALUE / 8 + 1},
            {area, 0, 0x11000000L + 8 * 252, 2}
        };
        for (long[] args : bad) {
            RawProgram program = new RawProgram();
            program.step(REPLY, 0, 0, 0, args);
            Reply reply = init.exchange(program.encode(1));
            assertThat(reply.fail()).as(Arrays.toString(args)).isEqualTo(1);
            assertThat(reply.errno()).isEqualTo(Linux.EFAULT);
            assertThat(reply.rest()).isEmpty();
        }
        assertLives();
    }

    @Test
    void shouldRefuseIndirectionsOutsideItsAreas() throws Exception {
        for (long at :
                new long[] {
                    0,
                    8,
                    -8,
                    0x12000004L,
                    0x0ffffff8L,
                    0x10008000L,
                    0x11000000L + 2024,
                    0x12040000L,
                    Long.MIN_VALUE,
                    Long.MAX_VALUE - 7
                }) {
            RawProgram program = new RawProgram();
            program.step(GETPID, 0, 1 << 5, 0, 0, 0, 0, 0, 0, at);
            Reply reply = init.exchange(program.encode(1));
            assertThat(reply.fail()).as("%x", at).isEqualTo(1);
            assertThat(reply.errno()).isEqualTo(Linux.EFAULT);
        }
        assertLives();
    }

    @Test
    void shouldStopAtTheFirstFailureButCleanUp() throws Exception {
        RawProgram program = new RawProgram();
        long made = program.data("unused\0".getBytes(StandardCharsets.US_ASCII));
        program.call(GETPID);
        program.call(Sys.CLOSE.number(), 4000); // EBADF
        program.call(GETPID);
        program.step(GETPID, Linux.ALWAYS, 0, 0);
        program.step(Sys.CLOSE.number(), Linux.ALWAYS, 0, 0, 5000); // does not hide the first
        program.step(REPLY, Linux.ALWAYS, 0, 0, made, 6);

        Reply reply = init.exchange(program.encode(3));

        assertThat(reply.fail()).isEqualTo(2);
        assertThat(reply.errno()).isEqualTo(Linux.EBADF);
        assertThat(reply.results())
                .containsExactly(
                        (long) init.pid(),
                        (long) -Linux.EBADF,
                        Linux.NOT_RUN,
                        (long) init.pid(),
                        (long) -Linux.EBADF,
                        0L);
        assertThat(reply.rest()).isEqualTo("unused");
    }

    @Test
    void shouldGoOnWhereAskedTo() throws Exception {
        RawProgram program = new RawProgram();
        program.step(Sys.CLOSE.number(), Linux.CONT, 0, 0, 4000);
        program.step(Sys.CLOSE.number(), Linux.IGN, 0, Linux.EBADF, 4000);
        program.step(Sys.CLOSE.number(), Linux.IGN, 0, Linux.EPERM, 4000);
        program.call(GETPID);

        Reply reply = init.exchange(program.encode(3));

        assertThat(reply.fail()).isEqualTo(3);
        assertThat(reply.results())
                .containsExactly(
                        (long) -Linux.EBADF,
                        (long) -Linux.EBADF,
                        (long) -Linux.EBADF,
                        Linux.NOT_RUN);
    }

    @Test
    void shouldRepeatAndTellTheEndOfFileFromSuccess() throws Exception {
        RawProgram program = new RawProgram();
        long path = program.data("/dev/null\0".getBytes(StandardCharsets.US_ASCII));
        long buffer = program.data(new byte[64]);
        long self = program.data("/proc/self/status\0".getBytes(StandardCharsets.US_ASCII));
        long fd = program.call(Sys.OPENAT.number(), Linux.AT_FDCWD, self);
        program.step(Sys.READ.number(), Linux.REPEAT, 1, 0, fd, buffer, 64);
        long none = program.call(Sys.OPENAT.number(), Linux.AT_FDCWD, path);
        program.step(Sys.READ.number(), Linux.POSITIVE, 1, 0, none, buffer, 64);
        program.call(GETPID);

        Reply reply = init.exchange(program.encode(3));

        assertThat(reply.results().get(1)).isZero(); // all of it was read
        assertThat(reply.fail()).isEqualTo(4);
        assertThat(reply.errno()).isZero();
        assertThat(reply.results().get(4)).isEqualTo(Linux.NOT_RUN);
    }

    @Test
    void shouldKeepNoDescriptorOfAProgram() throws Exception {
        RawProgram program = new RawProgram();
        long path = program.data("/dev/null\0".getBytes(StandardCharsets.US_ASCII));
        for (int i = 0; i < 20; i++) {
            program.call(Sys.OPENAT.number(), Linux.AT_FDCWD, path);
        }
        assertThat(init.exchange(program.encode(1)).fail()).isZero();
        assertLives(); // so that the first message is done with

        assertThat(OpenDescriptors.of(init.pid())).containsOnlyKeys(0, 1, 2, 3);
    }

    @Test
    void shouldSaySoWhenItCannotSendWhatWasAskedFor() throws Exception {
        RawProgram program = new RawProgram();
        long word = program.data(new byte[] {99, 0, 0, 0, 0, 0, 0, 0}); // no such descriptor
        program.step(REPLY, 0, 0, 0, word, 8, word, 1);

        Reply reply = init.exchange(program.encode(3));

        assertThat(reply.serial()).isEqualTo(3);
        assertThat(reply.fail()).isEqualTo(-1);
        assertThat(reply.errno()).isEqualTo(Linux.EBADF);
        assertLives();
    }

    @Test
    void shouldRefuseAChildOnTheSameMemoryThatRunsAtTheSameTime() throws Exception {
        RawProgram program = new RawProgram();
        program.step(FORK, 0, 0, 0, Linux.CLONE_VM, Linux.SIGCHLD);

        Reply reply = init.exchange(program.encode(3));

        assertThat(reply.fail()).isEqualTo(1);
        assertThat(reply.errno()).isEqualTo(Linux.EINVAL);
    }

    @Test
    void shouldTellWhichStepOfAChildFailed() throws Exception {
        RawProgram program = new RawProgram();
        long missing = program.data("/missing\0".getBytes(StandardCharsets.US_ASCII));
        long flags = Linux.CLONE_VM | Linux.CLONE_VFORK;
        long child = program.step(FORK, 0, 0, 2, flags, Linux.SIGCHLD);
        program.call(GETPID);
        program.call(Sys.EXECVE.number(), missing, 0, 0);
        program.step(Sys.WAIT4.number(), Linux.ALWAYS, 1, 0, child, 0, Linux.__WALL, 0);
        program.call(GETPID);

        Reply reply = init.exchange(program.encode(3));

        assertThat(reply.fail()).isEqualTo(3);
        assertThat(reply.errno()).isEqualTo(Linux.ENOENT);
        assertThat(reply.results().get(0)).isPositive();
        assertThat(reply.results().get(1)).isEqualTo(reply.results().get(0));
        assertThat(reply.results().get(3)).isEqualTo(reply.results().get(0));
        assertThat(reply.results().get(4)).isEqualTo(Linux.NOT_RUN);
    }

    @Test
    void shouldGiveTheMemoryOfLargeMessagesBack() throws Exception {
        RawProgram program = new RawProgram();
        program.data(new byte[200_000]);
        assertThat(init.exchange(program.encode(1)).fail()).isZero();
        assertLives();

        // 196 KiB went in; what stays is a page or two of each area
        String rss = ProcStatus.field(init.pid(), "RssAnon");
        assertThat(Integer.parseInt(rss.split(" ")[0])).isLessThan(100);
    }

    @Test
    void shouldAnswerThousandsOfRandomFrames() throws Exception {
        Random random = new Random(42);
        for (int serial = 0; serial < 5000; serial++) {
            RawProgram program = new RawProgram();
            byte[] data = new byte[random.nextInt(64)];
            random.nextBytes(data);
            program.data(data);
            for (int i = random.nextInt(4); i > 0; i--) {
                // nothing that could do harm: no call, or one without effect
                int op = random.nextInt(3) == 0 ? 0x8002 + random.nextInt(9) : GETPID;
                int flags = random.nextInt(64) & ~Linux.REPEAT;
                program.step(op, flags, random.nextInt(65), random.nextInt(), random.nextLong());
            }
            byte[] frame = program.encode(serial);
            if (random.nextInt(3) == 0) {
                frame[random.nextInt(8)] = (byte) random.nextInt();
            }
            Reply reply = init.exchange(random.nextInt(3) == 0 ? Arrays.copyOf(frame, 20) : frame);
            assertThat(reply.serial()).isEqualTo(serial);
            assertThat(reply.kind()).isZero();
        }
        assertLives();
    }

    @Test
    void shouldEndWithItsSocket() throws Exception {
        assertThat(init.end()).isZero(); // exit(0), by no signal
    }

    private void assertLives() throws Exception {
        Reply reply = init.exchange(one(GETPID, 0, 0, 0).encode(99));
        assertThat(reply.serial()).isEqualTo(99);
        assertThat(reply.fail()).isZero();
        assertThat(reply.results()).containsExactly((long) init.pid());
    }

    private static RawProgram one(int op, int flags, int ind, int aux) {
        RawProgram program = new RawProgram();
        program.step(op, flags, ind, aux);
        return program;
    }

    private static byte[] many(int count) {
        RawProgram program = new RawProgram();
        for (int i = 0; i < count; i++) {
            program.call(GETPID);
        }
        return program.encode(7);
    }

    private static byte[] nested() {
        RawProgram program = new RawProgram();
        program.step(FORK, 0, 0, 2);
        program.step(FORK, 0, 0, 0);
        program.call(GETPID);
        return program.encode(7);
    }
}
