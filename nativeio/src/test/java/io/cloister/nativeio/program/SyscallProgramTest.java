// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class SyscallProgramTest {

    @Test
    void shouldEncodeTheSameBytesForEver() {
        SyscallProgram.Builder b = SyscallProgram.named("golden");
        Data path = b.string("/w");
        Data how = Structs.openHow(b, 0x40, 0600, 0x8);
        Step open =
                b.call("open", "/w", Sys.OPENAT2, Arg.of(-100), path.address(), how.address())
                        .ignoring(Errno.ENOENT)
                        .always();
        b.call("close", "/w", Sys.CLOSE, open.result()).continuing().repeating().positive();
        b.replyWithResults(how, open, 1);

        assertThat(hex(b.build(), 0x01020304))
                .isEqualTo(
                        "03000000"
                                + "20000000"
                                + "04030201"
                                + "00000000"
                                + "2f77000000000000"
                                + "4000000000000000"
                                + "8001000000000000"
                                + "0800000000000000"
                                // openat2(AT_FDCWD, &0, &8, ...)
                                + u16(Sys.OPENAT2.number())
                                + "0a"
                                + "00"
                                + "02000000"
                                + "9cffffffffffffff"
                                + "1000001200000000"
                                + "1800001200000000"
                                + "0000000000000000".repeat(3)
                                // close(result 1)
                                + u16(Sys.CLOSE.number())
                                + "15"
                                + "01"
                                + "00000000"
                                + "0000001000000000"
                                + "0000000000000000".repeat(5)
                                // reply(&8, 24, results, 1)
                                + "0180"
                                + "00"
                                + "00"
                                + "00000000"
                                + "1800001200000000"
                                + "1800000000000000"
                                + "0000001000000000"
                                + "0100000000000000"
                                + "0000000000000000".repeat(2));
    }

    @Test
    void shouldBeTheSameProgramWithOtherDescriptors() throws IOException {
        try (Fd first = MemFd.writable("first");
                Fd second = MemFd.writable("second")) {
            SyscallProgram.Builder b = SyscallProgram.named("close");
            b.call("close", "it", Sys.CLOSE, b.descriptor(first));
            SyscallProgram program = b.build();
            SyscallProgram other = program.with(List.of(second));
            assertThat(hex(other, 7)).isEqualTo(hex(program, 7));
            assertThat(other.descriptors()).containsExactly(second);
            assertThat(program.descriptors()).containsExactly(first);
            assertThatThrownBy(() -> program.with(List.of()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("0 descriptors for the 1 slots of close");
        }
    }

    @Test
    void shouldEncodeForksWithTheLengthOfTheirBlock() {
        SyscallProgram.Builder b = SyscallProgram.named("fork");
        Data pidfd = b.reserve(8);
        long flags = Linux.CLONE_VM | Linux.CLONE_VFORK | Linux.CLONE_PIDFD;
        b.fork(
                "start",
                "child",
                flags,
                17,
                pidfd.address(),
                pidfd.word(0),
                () -> {
                    b.call("", "", Sys.SETSID);
                    b.call("", "", Sys.UMASK, Arg.ZERO);
                });
        b.fork("start", "idle child", flags, 17, Arg.ZERO, Arg.ZERO, () -> {});
        b.announce(b.call("", "", Sys.GETPID));

        RawProgram raw = new RawProgram();
        raw.data(new byte[8]);
        raw.step(0x8000, 0, 8, 2, flags, 17, RawProgram.DATA_AT, RawProgram.DATA_AT);
        raw.call(Sys.SETSID.number());
        raw.call(Sys.UMASK.number(), 0);
        raw.step(0x8000, 0, 0, 0, flags, 17);
        long pid = raw.call(Sys.GETPID.number());
        raw.step(0x8001, 0, 0, 1, 0x12000000L, 0, pid, 1);
        assertThat(hex(b.build(), 9)).isEqualTo(HexFormat.of().formatHex(raw.encode(9)));
    }

    /** Against a second encoder that shares nothing with the first. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void shouldEncodeRandomProgramsAsDescribed(long seed) {
        Random random = new Random(seed);
        SyscallProgram.Builder b = SyscallProgram.named("random");
        RawProgram raw = new RawProgram();
        List<Sys> calls = List.of(Sys.values());
        for (int i = random.nextInt(300); i > 0; i--) {
            if (random.nextInt(3) == 0) {
                byte[] bytes = new byte[random.nextInt(200)];
                random.nextBytes(bytes);
                assertThat(b.bytes(bytes).at()).isEqualTo(raw.data(bytes));
                continue;
            }
            int flags = random.nextInt(32) & ~Linux.IGN;
            int ind = 0;
            Arg[] args = new Arg[random.nextInt(7)];
            long[] values = new long[args.length];
            for (int k = 0; k < args.length; k++) {
                values[k] = random.nextLong();
                boolean indirect = random.nextBoolean();
                ind |= indirect ? 1 << k : 0;
                args[k] = new Arg(values[k], indirect, null);
            }
            Sys sys = calls.get(random.nextInt(calls.size()));
            Step step = b.call("random", "", sys, args);
            if ((flags & Linux.CONT) != 0) {
                step.continuing();
            }
            if ((flags & Linux.REPEAT) != 0) {
                step.repeating();
            }
            if ((flags & Linux.ALWAYS) != 0) {
                step.always();
            }
            if ((flags & Linux.POSITIVE) != 0) {
                step.positive();
            }
            assertThat(step.resultAt()).isEqualTo(raw.step(sys.number(), flags, ind, 0, values));
        }
        int serial = random.nextInt();
        SyscallProgram program = b.build();
        assertThat(hex(program, serial)).isEqualTo(HexFormat.of().formatHex(raw.encode(serial)));
        assertThat(program.size()).isEqualTo(raw.encode(serial).length).isEqualTo(b.size());
    }

    @Test
    void shouldEncodeNothingAsAHeader() {
        assertThat(hex(SyscallProgram.EMPTY, 5)).isEqualTo("00000000000000000500000000000000");
        assertThat(SyscallProgram.EMPTY.size()).isEqualTo(SyscallProgram.EMPTY_BYTES);
    }

    @Test
    void shouldPackStringsAndAlignEverythingElse() {
        SyscallProgram.Builder b = SyscallProgram.named("alignment");
        long base = Linux.MESSAGE_AT + 16;

        assertThat(b.string("a").at()).isEqualTo(base);
        assertThat(b.string("bc").at()).isEqualTo(base + 2);
        assertThat(b.string("").at()).isEqualTo(base + 5);
        assertThat(b.reserve(3).at()).isEqualTo(base + 8);
        assertThat(b.bytes(new byte[] {1}).at()).isEqualTo(base + 16);
        assertThat(b.string(new byte[] {(byte) 0xff}).at()).isEqualTo(base + 17);
        assertThat(b.pointers(List.of()).at()).isEqualTo(base + 24);
        assertThat(b.build().size()).isEqualTo(16 + 32);
    }

    @Test
    void shouldEndPointerArraysAndStringsWithZeros() {
        SyscallProgram.Builder b = SyscallProgram.named("argv");
        Data argv = b.pointers(List.of(b.string("é"), b.string(new byte[] {(byte) 0xff, 0x2f})));

        assertThat(argv.size()).isEqualTo(24);
        assertThat(hex(b.build(), 1).substring(32))
                .isEqualTo(
                        "c3a900"
                                + "ff2f00"
                                + "0000"
                                + "1000001200000000"
                                + "1300001200000000"
                                + "0000000000000000");
    }

    @Test
    void shouldKeepItsDataWhileItGrows() {
        SyscallProgram.Builder b = SyscallProgram.named("growth");
        Data first = b.reserve(8);
        for (int i = 0; i < 5000; i++) {
            b.putInt(b.reserve(4), 0, i);
        }
        b.putLong(first, 0, -2).putShort(first, 6, 0x1234);
        ByteBuffer bytes = encoded(b.build(), 1);

        assertThat(bytes.getLong(16)).isEqualTo(0x1234_ffff_ffff_fffeL);
        for (int i = 0; i < 5000; i++) {
            assertThat(bytes.getInt(24 + 8 * i)).isEqualTo(i);
        }
    }

    @Test
    void shouldTakeExactlyAsMuchDataAsAMessageHolds() {
        SyscallProgram.Builder b = SyscallProgram.named("full");
        int room = SyscallProgram.MAX_BYTES - SyscallProgram.EMPTY_BYTES;

        assertThatThrownBy(() -> b.reserve(room + 1))
                .isInstanceOf(ProgramTooLargeException.class)
                .hasMessage("full: %d do not fit into a message, the limit is 262144", room + 1);
        b.reserve(room);
        assertThat(b.build().size()).isEqualTo(SyscallProgram.MAX_BYTES);
        assertThatThrownBy(() -> b.string("")).isInstanceOf(ProgramTooLargeException.class);
        assertThatThrownBy(() -> b.reserve(Integer.MAX_VALUE))
                .isInstanceOf(ProgramTooLargeException.class);
    }

    @Test
    void shouldRefuseDataAndStepsThatDoNotFitTogether() {
        SyscallProgram.Builder b = SyscallProgram.named("both");
        b.reserve(SyscallProgram.MAX_BYTES - SyscallProgram.EMPTY_BYTES - Step.SIZE);
        b.call("", "", Sys.GETPID);
        assertThat(b.build().size()).isEqualTo(SyscallProgram.MAX_BYTES);
        b.call("", "", Sys.GETPID);
        assertThatThrownBy(b::build).isInstanceOf(ProgramTooLargeException.class);
    }

    @Test
    void shouldRefuseMoreStepsThanInitTakes() {
        SyscallProgram.Builder b = SyscallProgram.named("steps");
        for (int i = 0; i < Linux.COUNT_MAX; i++) {
            b.call("", "", Sys.GETPID);
        }
        assertThat(b.build().steps()).hasSize(Linux.COUNT_MAX).hasSize(b.steps());
        assertThatThrownBy(() -> b.call("", "", Sys.GETPID))
                .isInstanceOf(ProgramTooLargeException.class)
                .hasMessageContaining("steps");
    }

    @Test
    void shouldRefuseMoreDescriptorsThanAMessageCarries() throws Exception {
        SyscallProgram.Builder b = SyscallProgram.named("send");
        try (Fd fd = MemFd.writable("any")) {
            for (int i = 0; i < SyscallProgram.MAX_DESCRIPTORS; i++) {
                Arg slot = b.descriptor(fd);
                assertThat(slot.indirect()).isTrue();
                assertThat(slot.value()).isEqualTo(Linux.DESCRIPTORS_AT + 8L * i);
            }
            assertThatThrownBy(() -> b.descriptor(fd))
                    .isInstanceOf(ProgramTooLargeException.class)
                    .hasMessageContaining("descriptors");
            assertThat(b.build().descriptors()).hasSize(SyscallProgram.MAX_DESCRIPTORS);
        }
    }

    @Test
    void shouldRefuseASeventhArgument() {
        SyscallProgram.Builder b = SyscallProgram.named("call");
        Arg z = Arg.ZERO;
        assertThatThrownBy(() -> b.call("", "", Sys.GETPID, z, z, z, z, z, z, z))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void shouldNotChangeOnceBuilt() {
        SyscallProgram.Builder b = SyscallProgram.named("early");
        b.string("x");
        b.call("one", "", Sys.GETPID);
        SyscallProgram program = b.build();
        String before = hex(program, 1);
        b.string("y");
        b.call("two", "", Sys.GETPID);

        assertThat(hex(program, 1)).isEqualTo(before);
    }

    @Test
    void shouldListItsStepsForPeople() throws Exception {
        try (Fd input = MemFd.writable("stdin")) {
            SyscallProgram.Builder b = SyscallProgram.named("run");
            Data path = b.string("/bin/true");
            Data buffer = b.reserve(16);
            Arg in = b.descriptor(input);
            Step open =
                    b.call("open", "program", Sys.OPENAT, Arg.AT_FDCWD, path.address())
                            .ignoring(Errno.ENOENT);
            b.call("read", "it", Sys.READ, open.result(), buffer.address(8), buffer.word(0))
                    .repeating();
            b.call("take", "input", Sys.DUP3, in, Arg.ZERO, Arg.of(0x80000)).always();
            b.call("close", "it", Sys.CLOSE, Arg.of(-9)).continuing().positive();
            b.reply(buffer);

            assertThat(b.build().listing())
                    .isEqualTo(
                            """
                            1 open program: openat(AT_FDCWD, /bin/true) ignoring ENOENT
                            2 read it: read(result 1, &40, *32) repeating
                            3 take input: dup3(stdin, 0, 0x80000) always
                            4 close it: close(-9) continuing positive
                            5 reply : reply(&32, 0x10, 0x10000000, 0)
                            """);
            assertThat(b.build()).hasToString("run (open, read, take, close, reply)");
            assertThat(new Arg(Linux.DESCRIPTORS_AT + 8, true, null)).hasToString("descriptor 1");
        }
    }

    @Test
    void shouldShowItsStepsToTests() {
        SyscallProgram.Builder b = SyscallProgram.named("steps");
        Step step = b.call("make", "/w/d", Sys.MKDIRAT, Arg.AT_FDCWD, b.string("d").address());

        assertThat(step.name()).isEqualTo("make");
        assertThat(step.subject()).isEqualTo("/w/d");
        assertThat(step.call()).isEqualTo("mkdirat");
        assertThat(step.argument(0)).isEqualTo(Arg.AT_FDCWD);
        assertThat(step.argument(5)).isEqualTo(Arg.ZERO);
        assertThat(step.failure(Errno.EEXIST).message())
                .isEqualTo("make /w/d: mkdirat: EEXIST (File exists)");
        assertThat(new SyscallFailure("read", "", "read", Errno.NONE).message())
                .isEqualTo("read: read: end of file");
    }

    private static String u16(int number) {
        return "%02x%02x".formatted(number & 0xff, number >> 8);
    }

    private static String hex(SyscallProgram program, int serial) {
        byte[] bytes = new byte[program.size()];
        encoded(program, serial).get(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private static ByteBuffer encoded(SyscallProgram program, int serial) {
        ByteBuffer out =
                ByteBuffer.allocate(SyscallProgram.MAX_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        program.encode(serial, out);
        assertThat(out.position()).isEqualTo(program.size());
        return out.flip();
    }

    @Test
    void shouldEncodeTextAsUtf8() {
        SyscallProgram.Builder b = SyscallProgram.named("text");
        Data text = b.string("日本");

        assertThat(text.size()).isEqualTo("日本".getBytes(StandardCharsets.UTF_8).length + 1);
        assertThat(text.text()).isEqualTo("日本");
    }
}
