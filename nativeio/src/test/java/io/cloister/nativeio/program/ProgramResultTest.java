// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Replies as an init that somebody has taken over might send them. */
@Timeout(60)
class ProgramResultTest {
    private static final SyscallProgram PROGRAM;
    private static final Step FIRST;
    private static final Step SECOND;
    private static final Data WHOLE;
    private static final Data BEFORE;

    static {
        SyscallProgram.Builder b = SyscallProgram.named("test");
        BEFORE = b.reserve(8);
        WHOLE = b.reserve(16);
        FIRST = b.call("first", "thing", Sys.GETPID);
        SECOND = b.call("second", "thing", Sys.SETSID);
        b.reply(WHOLE);
        PROGRAM = b.build();
    }

    @Test
    void shouldDecodeAReply() throws Exception {
        ByteBuffer frame = frame(7, Linux.FINAL, 3, 2, Linux.EPERM);
        frame.putLong(42).putLong(-1).putLong(Linux.NOT_RUN).putLong(5).putLong(6);

        ProgramResult result = ProgramResult.decode(frame.flip(), List.of());

        assertThat(result.serial()).isEqualTo(7);
        assertThat(result.early()).isFalse();
        assertThat(result.of(FIRST)).isEqualTo(42);
        assertThat(result.failureOf(FIRST)).isEmpty();
        assertThat(result.ran(FIRST)).isTrue();
        assertThat(result.failureOf(SECOND)).contains(SECOND.failure(Errno.EPERM));
        assertThat(result.failedAt(SECOND)).isTrue();
        assertThat(result.failedAt(FIRST)).isFalse();
        assertThat(result.ran(PROGRAM.steps().get(2))).isFalse();
        assertThat(result.failure(PROGRAM))
                .hasValueSatisfying(f ->
                        assertThat(f.message())
                                .isEqualTo(
                                        "second thing: setsid: EPERM (Operation not permitted)"));
        assertThat(result.bytes(PROGRAM, WHOLE).getLong(8)).isEqualTo(6);
    }

    @Test
    void shouldDecodeAnAnnouncement() throws Exception {
        ProgramResult result =
                ProgramResult.decode(frame(1, Linux.EARLY, 0, 0, 0).flip(), List.of());

        assertThat(result.early()).isTrue();
        assertThat(result.failure(PROGRAM)).isEmpty();
        assertThat(result.ran(FIRST)).isFalse();
        assertThat(result.of(FIRST)).isEqualTo(Linux.NOT_RUN);
    }

    @ParameterizedTest
    @CsvSource({"-1,EBADMSG", "1,EPERM", "3,EIO"})
    void shouldNameEveryFailureWithoutAMatchingStep(int fail, String errno) throws Exception {
        int number = (int) Linux.constant(errno);
        ByteBuffer frame = frame(1, 0, 3, fail, number).putLong(0).putLong(0).putLong(0);
        ProgramResult result = ProgramResult.decode(frame.flip(), List.of());

        SyscallProgram empty = SyscallProgram.EMPTY;
        assertThat(result.failure(empty))
                .contains(new SyscallFailure("nothing", "", "message", new Errno(number)));
    }

    @ParameterizedTest
    @CsvSource({
        "2,0,0,0",
        "65535,0,0,0", // kind
        "0,4097,0,0",
        "0,65535,0,0",
        "0,4,0,0", // count: too many, or more than there are
        "0,3,-2,0",
        "0,3,4,0",
        "0,3,-2147483648,0",
        "0,3,2147483647,0", // fail
        "0,3,1,-1",
        "0,3,1,4096",
        "0,3,1,-2147483648",
        "0,3,1,2147483647" // errno
    })
    void shouldRefuseWhatInitNeverSends(int kind, int count, int fail, int errno) {
        ByteBuffer frame = frame(1, kind, count, fail, errno).putLong(1).putLong(2).putLong(3);

        assertThatThrownBy(() -> ProgramResult.decode(frame.flip(), List.of()))
                .isInstanceOf(BadReplyException.class)
                .hasMessageStartingWith("bad reply from init: ");
    }

    @Test
    void shouldRefuseFramesCutShortAnywhere() throws Exception {
        ByteBuffer frame = frame(1, 0, 3, 0, 0).putLong(1).putLong(2).putLong(3);
        frame.putLong(4).putLong(5).flip();
        for (int length = 0; length < frame.limit(); length++) {
            ByteBuffer cut = frame.slice(0, length).order(ByteOrder.LITTLE_ENDIAN);
            if (length < 16 + 3 * Long.BYTES) {
                assertThatThrownBy(() -> ProgramResult.decode(cut, List.of()))
                        .as("%d bytes", length)
                        .isInstanceOf(BadReplyException.class);
            } else {
                ProgramResult result = ProgramResult.decode(cut, List.of());
                assertThatThrownBy(() -> result.bytes(PROGRAM, WHOLE))
                        .as("%d bytes", length)
                        .isInstanceOf(BadReplyException.class);
            }
        }
    }

    @Test
    void shouldRefusePartsThatTheReplyDoesNotHold() throws Exception {
        ByteBuffer frame = frame(1, 0, 0, 0, 0).putLong(4).putLong(5);
        ProgramResult result = ProgramResult.decode(frame.flip(), List.of());

        assertThatThrownBy(() -> result.bytes(PROGRAM, BEFORE))
                .isInstanceOf(BadReplyException.class);
        assertThatThrownBy(
                        () -> result.bytes(PROGRAM, new Data(WHOLE.at(), Integer.MAX_VALUE, null)))
                .isInstanceOf(BadReplyException.class);
        assertThatThrownBy(() -> result.bytes(PROGRAM, new Data(Long.MAX_VALUE, 8, null)))
                .isInstanceOf(BadReplyException.class);
        assertThat(result.bytes(PROGRAM, new Data(WHOLE.at() + 8, 8, null)).getLong(0))
                .isEqualTo(5);
    }

    @Test
    void shouldKeepCopiesOnly() throws Exception {
        ByteBuffer frame = frame(1, 0, 1, 0, 0).putLong(11).putLong(22).putLong(33).flip();
        ProgramResult result =
                ProgramResult.decode(frame.duplicate().order(frame.order()), List.of());
        for (int i = 0; i < frame.limit(); i++) {
            frame.put(i, (byte) -1);
        }

        assertThat(result.of(FIRST)).isEqualTo(11);
        assertThat(result.bytes(PROGRAM, WHOLE).getLong(8)).isEqualTo(33);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void shouldDecodeOrRefuseRandomFrames(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[random.nextInt(96)];
            random.nextBytes(bytes);
            // mostly small numbers, so that the checks behind the first are reached
            for (int k = 0; k < bytes.length; k++) {
                bytes[k] = random.nextInt(4) == 0 ? bytes[k] : (byte) random.nextInt(3);
            }
            ByteBuffer frame = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            try {
                ProgramResult result = ProgramResult.decode(frame, List.of());
                result.failure(PROGRAM);
                result.failureOf(SECOND);
                result.bytes(PROGRAM, WHOLE);
            } catch (BadReplyException expected) {
                assertThat(expected).hasMessageStartingWith("bad reply from init: ");
            }
        }
    }

    @Test
    void shouldCloseDescriptorsThatNobodyWants() throws Exception {
        Fd one = MemFd.writable("one");
        Fd two = MemFd.writable("two");
        ProgramResult result = ProgramResult.decode(frame(1, 0, 0, 0, 0).flip(), List.of(one, two));
        result.closeDescriptors();

        assertThat(one.isOpen()).isFalse();
        assertThat(two.isOpen()).isFalse();
    }

    private static ByteBuffer frame(int serial, int kind, int count, int fail, int errno) {
        return ByteBuffer.allocate(128)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(serial)
                .putShort((short) kind)
                .putShort((short) count)
                .putInt(fail)
                .putInt(errno);
    }
}
