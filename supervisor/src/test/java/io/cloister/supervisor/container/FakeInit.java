// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.PidFd;
import io.cloister.nativeio.init.IdMap;
import io.cloister.nativeio.init.InitChannel;
import io.cloister.nativeio.init.InitProcess;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * What a container takes for an init: a thread of the test at the other end of its socket, which
 * answers with frames as docs/protocol.md draws them, or with anything else. No privilege is
 * needed.
 */
final class FakeInit implements AutoCloseable {
    private static final int HEADER = 16;
    private static final int STEP = 56;
    private static final int REPEAT = 4;

    /** A message as it came. */
    record Message(ByteBuffer frame) {
        int count() {
            return frame.getInt(0);
        }

        int serial() {
            return frame.getInt(8);
        }

        private int step(int i) {
            return HEADER + ((frame.getInt(4) + 7) & ~7) + i * STEP;
        }

        private int op(int i) {
            return Short.toUnsignedInt(frame.getShort(step(i)));
        }

        /** How many bytes the program wants to see. */
        int bytes() {
            int bytes = 0;
            for (int i = 0; i < count(); i++) {
                if (op(i) == Linux.REPLY && frame.getInt(step(i) + 4) == 0) {
                    bytes = (int) frame.getLong(step(i) + 16);
                }
            }
            return bytes;
        }

        /** Results of a program in which everything went well. */
        long[] results() {
            long[] results = new long[count()];
            for (int i = 0; i < count(); i++) {
                boolean last = (frame.get(step(i) + 2) & REPEAT) != 0;
                results[i] = last && op(i) == Sys.WAIT4.number() ? -Errno.ECHILD.number() : 0;
            }
            return results;
        }

        /** The answer that every handler is content with. */
        byte[] success() {
            return reply(serial(), 0, 0, 0, results(), new byte[bytes()]);
        }
    }

    private final InitChannel.Pair pair;
    private final Process process;
    private final Thread thread;

    /** A fake that answers each message with these packets. */
    FakeInit(Function<Message, List<byte[]>> answers) throws IOException {
        pair = InitChannel.open();
        process = new ProcessBuilder("sleep", "1000").start();
        thread = new Thread(() -> serve(answers), "fake-init");
        thread.start();
    }

    static byte[] reply(int serial, int kind, int fail, int errno, long[] results, byte[] bytes) {
        ByteBuffer frame =
                ByteBuffer.allocate(HEADER + results.length * Long.BYTES + bytes.length)
                        .order(ByteOrder.LITTLE_ENDIAN);
        frame.putInt(serial).putShort((short) kind).putShort((short) results.length);
        frame.putInt(fail).putInt(errno);
        for (long result : results) {
            frame.putLong(result);
        }
        return frame.put(bytes).array();
    }

    /** The init to give to a container, which owns it. */
    InitProcess init() throws IOException {
        int pid = (int) process.pid();
        return new InitProcess(
                pair.ours(), PidFd.open(pid), pid, IdMap.single(1, 1), Optional.empty());
    }

    private void serve(Function<Message, List<byte[]>> answers) {
        byte[] buffer = new byte[Linux.MESSAGE_MAX];
        Fd socket = pair.theirs();
        while (true) {
            long n = LibC.read(socket.number(), buffer, buffer.length);
            if (n <= 0) {
                return;
            }
            ByteBuffer frame = ByteBuffer.wrap(Arrays.copyOf(buffer, (int) n));
            answers.apply(new Message(frame.order(ByteOrder.LITTLE_ENDIAN))).forEach(this::send);
        }
    }

    /** Sends a packet, asked or not; the other end may be closed by now. */
    void send(byte[] packet) {
        LibC.write(pair.theirs().number(), packet, packet.length);
    }

    /** What the worker sees when its init dies. */
    void hangUp() {
        LibC.shutdown(pair.theirs().number(), Linux.SHUT_RDWR);
    }

    /** Whether the process that stands for init has been killed, or is within the time. */
    boolean isKilled(Duration limit) throws InterruptedException {
        return process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() throws Exception {
        hangUp();
        thread.join();
        pair.theirs().close();
        process.destroyForcibly();
        process.waitFor();
    }
}
