// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.program;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.List;
import java.util.Optional;

/**
 * What init answered: the result of each step, the first failure, the bytes and descriptors that
 * the program asked for. The descriptors belong to the receiver.
 *
 * @param serial of the message that it answers, as the sender numbered it
 * @param early whether the program still runs: an announcement
 * @param fail the step that ended the program, counted from 1; 0 for none, -1 for a bad message
 * @param errno the reason of that; {@link Errno#NONE} also where a step saw end of file
 * @param results of all steps; {@link #of} reads them
 * @param bytes the part of the data area that the program asked for
 * @param descriptors those that it asked for, without the steps that failed
 */
public record ProgramResult(
        int serial,
        boolean early,
        int fail,
        Errno errno,
        LongBuffer results,
        ByteBuffer bytes,
        List<Fd> descriptors) {
    private static final int HEADER = 16;

    /**
     * Decodes a reply, checking every field: the sender may have been taken over.
     *
     * @param frame a little-endian buffer from position to limit; the result keeps copies only
     * @throws BadReplyException when it is not a reply as docs/protocol.md draws it
     */
    public static ProgramResult decode(ByteBuffer frame, List<Fd> descriptors)
            throws BadReplyException {
        if (frame.remaining() < HEADER) {
            throw new BadReplyException("a reply of " + frame.remaining() + " bytes");
        }
        int serial = frame.getInt();
        int kind = Short.toUnsignedInt(frame.getShort());
        int count = Short.toUnsignedInt(frame.getShort());
        int fail = frame.getInt();
        int errno = frame.getInt();
        if (kind > Linux.EARLY
                || count > Linux.COUNT_MAX
                || fail < -1
                || fail > count
                || errno < 0
                || errno > 4095
                || frame.remaining() < count * Long.BYTES) {
            throw new BadReplyException(
                    "kind %d, %d results, failure %d, errno %d in %d bytes"
                            .formatted(kind, count, fail, errno, frame.remaining()));
        }
        long[] results = new long[count];
        frame.asLongBuffer().get(results);
        frame.position(frame.position() + count * Long.BYTES);
        ByteBuffer bytes =
                ByteBuffer.allocate(frame.remaining()).order(ByteOrder.LITTLE_ENDIAN).put(frame);
        return new ProgramResult(
                serial,
                kind == Linux.EARLY,
                fail,
                new Errno(errno),
                LongBuffer.wrap(results),
                bytes.flip(),
                List.copyOf(descriptors));
    }

    /** A step's result: what the call returned, a negative errno included. */
    public long of(Step step) {
        return step.index() < results.limit() ? results.get(step.index()) : Linux.NOT_RUN;
    }

    /** Whether a step ran at all. */
    public boolean ran(Step step) {
        return of(step) != Linux.NOT_RUN;
    }

    /** A step's own failure, also one that did not end the program. */
    public Optional<SyscallFailure> failureOf(Step step) {
        Errno own = Errno.ofResult(of(step));
        return own.equals(Errno.NONE) ? Optional.empty() : Optional.of(step.failure(own));
    }

    /** The failure that ended the program, if one did. */
    public Optional<SyscallFailure> failure(SyscallProgram program) {
        if (fail == 0) {
            return Optional.empty();
        }
        if (fail < 0 || fail > program.steps().size()) {
            return Optional.of(new SyscallFailure(program.name(), "", "message", errno));
        }
        return Optional.of(program.steps().get(fail - 1).failure(errno));
    }

    /** Whether this step's failure ended the program. */
    public boolean failedAt(Step step) {
        return fail == step.index() + 1;
    }

    /**
     * A part of the data area as it was when the program ended.
     *
     * @throws BadReplyException when the reply does not hold it
     */
    public ByteBuffer bytes(SyscallProgram program, Data part) throws BadReplyException {
        long start = part.at() - program.replyAt();
        if (start < 0 || start + part.size() > bytes.limit()) {
            throw new BadReplyException(
                    program.name() + ": " + bytes.limit() + " bytes, not those asked for");
        }
        return bytes.slice((int) start, part.size()).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Closes descriptors that nobody wants. */
    public void closeDescriptors() {
        descriptors.forEach(Fd::close);
    }
}
