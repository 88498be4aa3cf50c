// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProcessStructs;
import io.cloister.nativeio.program.RawProgram;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.Structs;
import io.cloister.nativeio.program.SyscallProgram;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The seeds of init's fuzzer: programs of every shape, as the worker encodes them, in the stream
 * that {@code fuzz_init.c} describes. Run the main class to write them anew, into {@code
 * src/test/corpus/init} or the directory named.
 */
public final class FuzzCorpus {
    // fuzz_init.c, record.mode
    private static final int FIT = 1;
    private static final int CTRUNCATED = 4;
    private static final int REFUSE = 8;
    private static final int REFUSE_TWICE = 16;
    private static final int CHILD = 32;

    private FuzzCorpus() {}

    public static void main(String[] args) throws IOException {
        Path directory = Path.of(args.length > 0 ? args[0] : "src/test/corpus/init");
        Files.createDirectories(directory);
        for (Map.Entry<String, byte[]> seed : seeds().entrySet()) {
            Files.write(directory.resolve(seed.getKey()), seed.getValue());
        }
    }

    static Map<String, byte[]> seeds() {
        Map<String, byte[]> seeds = new TreeMap<>();
        byte[] nothing = encode(SyscallProgram.EMPTY);
        byte[] start = encode(Programs.start("/bin/true", "argument"));
        byte[] execute = encode(execute());
        byte[] zygote = encode(forkInit());
        byte[] open = encode(openSeveral());
        byte[] raw = everyFlag();
        seeds.put("nothing", stream(record(0, 0, 1, nothing)));
        seeds.put("start", stream(record(0, 0, 2, start)));
        seeds.put("execute", stream(record(0, 9, 3, execute)));
        seeds.put("fork", stream(record(0, 1, 4, zygote), record(0, 0, 5, start)));
        seeds.put("fork-as-child", stream(record(CHILD, 1, 6, zygote), record(0, 0, 7, start)));
        seeds.put("open", stream(record(0, 2, 8, open)));
        seeds.put("every-flag", stream(record(FIT, 253, 9, raw)));
        seeds.put("refused", stream(record(REFUSE, 0, 10, open), record(0, 0, 11, nothing)));
        seeds.put("lost", stream(record(REFUSE_TWICE, 0, 12, open)));
        seeds.put("truncated", stream(record(CTRUNCATED, 3, 13, open), record(0, 0, 14, start)));
        seeds.put(
                "session",
                stream(
                        record(0, 0, 15, nothing),
                        record(0, 2, 16, open),
                        record(0, 9, 17, execute),
                        record(FIT, 0, 18, new byte[200]),
                        record(0, 0, 19, nothing)));
        return seeds;
    }

    private static byte[] record(int mode, int descriptors, int seed, byte[] message) {
        return ByteBuffer.allocate(8 + message.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) mode)
                .put((byte) descriptors)
                .putShort((short) seed)
                .putInt(message.length)
                .put(message)
                .array();
    }

    private static byte[] stream(byte[]... records) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] each : records) {
            out.writeBytes(each);
        }
        return out.toByteArray();
    }

    private static byte[] encode(SyscallProgram program) {
        ByteBuffer out = ByteBuffer.allocate(program.size()).order(ByteOrder.LITTLE_ENDIAN);
        program.encode(7, out);
        return out.array();
    }

    /** A run as a worker composes it: start, announce, wait, kill, reap, clean up, reply. */
    private static SyscallProgram execute() {
        SyscallProgram.Builder b = SyscallProgram.named("execute");
        Data argv = b.pointers(List.of(b.string("/bin/true")));
        Data poll = b.reserve(2 * Linux.pollfd_SIZE);
        ProcessStructs.putPollFd(b, poll, 1, Linux.SOCK, Linux.POLLIN);
        Data limit = ProcessStructs.timespec(b, Duration.ofSeconds(2));
        Data usage = b.reserve(Linux.rusage_SIZE);
        Data rlimit = ProcessStructs.rlimit(b, 1, 2);
        Step fork =
                b.fork(
                        "fork",
                        "",
                        Linux.CLONE_VM | Linux.CLONE_VFORK | Linux.CLONE_PIDFD,
                        Linux.SIGCHLD,
                        poll.address(),
                        Arg.ZERO,
                        () -> {
                            b.call("", "", Sys.SETSID).continuing();
                            b.call(
                                    "",
                                    "",
                                    Sys.PRLIMIT64,
                                    Arg.ZERO,
                                    Arg.ZERO,
                                    rlimit.address(),
                                    Arg.ZERO);
                            b.call("", "", Sys.EXECVE, argv.word(0), argv.address(), Arg.ZERO);
                        });
        b.announce(fork);
        b.call("", "", Sys.PPOLL, poll.address(), Arg.of(2), limit.address(), Arg.ZERO);
        Data limits =
                ProcessStructs.watch(b, Duration.ofSeconds(2), Duration.ofSeconds(1), 1000, 2);
        b.watch("", "", poll, 2, limits, fork.result(), fork.result());
        b.call("", "", Sys.KILL, Arg.of(-1), Arg.of(Linux.SIGKILL)).always();
        b.call("", "", Sys.WAIT4, fork.result(), Arg.ZERO, Arg.ZERO, usage.address()).always();
        b.call("", "", Sys.WAIT4, Arg.of(-1), Arg.ZERO, Arg.of(Linux.__WALL), Arg.ZERO)
                .repeating()
                .ignoring(Errno.ECHILD)
                .always();
        b.reply(usage).always();
        return b.build();
    }

    private static SyscallProgram forkInit() {
        SyscallProgram.Builder b = SyscallProgram.named("fork init");
        Data pidfd = b.reserve(8);
        b.fork(
                "fork",
                "",
                Zygote.NAMESPACES | Linux.CLONE_PIDFD,
                Linux.SIGCHLD,
                pidfd.address(),
                Arg.ZERO,
                () ->
                        b.call(
                                "",
                                "",
                                Sys.DUP3,
                                new Arg(Linux.DESCRIPTORS_AT, true, null),
                                Arg.of(3)));
        b.replyWithDescriptor(pidfd, pidfd);
        return b.build();
    }

    private static SyscallProgram openSeveral() {
        SyscallProgram.Builder b = SyscallProgram.named("open");
        Data how = Structs.openHow(b, 0, 0, Linux.RESOLVE_BENEATH);
        Data stats = Structs.Stat.reserve(b, 3);
        Step[] opened = new Step[3];
        for (int i = 0; i < opened.length; i++) {
            opened[i] =
                    b.call(
                                    "open",
                                    "",
                                    Sys.OPENAT2,
                                    Arg.AT_FDCWD,
                                    b.string("file" + i).address(),
                                    how.address(),
                                    Arg.of(how.size()))
                            .continuing();
        }
        for (int i = 0; i < opened.length; i++) {
            Arg stat = stats.address(i * Structs.Stat.SIZE);
            b.call("stat", "", Sys.FSTAT, opened[i].result(), stat).continuing();
        }
        b.replyWithResults(stats, opened[0], opened.length);
        return b.build();
    }

    private static byte[] everyFlag() {
        RawProgram program = new RawProgram();
        long word = program.data(new byte[24]);
        long first = 0;
        for (int flags = 0; flags < 32; flags++) {
            long at = program.step(Sys.READ.number(), flags, flags & 7, 4, word, word, word + 8);
            first = flags == 0 ? at : first;
        }
        program.step(0x8001, 0, 0, 1, word, 24, first, 16);
        program.step(0x8001, Linux.ALWAYS, 0b1111, 0, word, word + 8, word + 8, word + 16);
        return program.encode(1);
    }
}
