// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallProgram;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToLongFunction;

/** Hand-made results of programs, and what a program would do, in words. */
final class Answers {
    private Answers() {}

    static SyscallProgram program(Exchange<?> exchange) {
        if (exchange instanceof Exchange.Run<?> run) {
            return run.program();
        }
        throw new AssertionError("no program but " + exchange);
    }

    static <R> R reply(Exchange<R> exchange) {
        return switch (exchange) {
            case Exchange.Done<R>(R reply) -> reply;
            default -> throw new AssertionError("no reply but " + exchange);
        };
    }

    /** Every step returns what the function says; its bytes and descriptors as given. */
    static <R> Exchange<R> answer(
            Exchange<R> exchange, ToLongFunction<Step> results, ByteBuffer bytes, List<Fd> fds)
            throws Exception {
        if (!(exchange instanceof Exchange.Run<R> run)) {
            throw new AssertionError("no program but " + exchange);
        }
        long[] all = run.program().steps().stream().mapToLong(results).toArray();
        return run.then()
                .apply(
                        new ProgramResult(
                                1,
                                false,
                                0,
                                Errno.NONE,
                                LongBuffer.wrap(all),
                                bytes.order(ByteOrder.LITTLE_ENDIAN),
                                fds));
    }

    static <R> Exchange<R> answer(Exchange<R> exchange, ToLongFunction<Step> results)
            throws Exception {
        return answer(exchange, results, ByteBuffer.allocate(64 * 1024), List.of());
    }

    /** Steps succeed up to this one, which ends the program. */
    static <R> Exchange<R> answerEndingAt(Exchange<R> exchange, Step last, Errno errno)
            throws Exception {
        if (!(exchange instanceof Exchange.Run<R> run)) {
            throw new AssertionError("no program but " + exchange);
        }
        int index = run.program().steps().indexOf(last);
        long[] all = new long[run.program().steps().size()];
        Arrays.fill(all, index, all.length, Linux.NOT_RUN);
        all[index] = error(errno);
        return run.then()
                .apply(
                        new ProgramResult(
                                1,
                                false,
                                index + 1,
                                errno,
                                LongBuffer.wrap(all),
                                ByteBuffer.allocate(0),
                                List.of()));
    }

    /** A result that is an error. */
    static long error(Errno errno) {
        return -errno.number();
    }
}
