// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.program;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * One instruction, with words for what it does: {@code bind /usr on /usr: mount}. Its modifiers say
 * what an error means; without one an error ends the program.
 */
public final class Step {
    static final int SIZE = 56;
    private static final int ARGUMENTS = 6;

    private final int index;
    private final int op;
    private final String call;
    private final String name;
    private final String subject;
    private final Arg[] args;
    private int flags;
    private int aux;

    Step(int index, int op, String call, String name, String subject, Arg[] args) {
        if (args.length > ARGUMENTS) {
            throw new IllegalArgumentException(call + " with " + args.length + " arguments");
        }
        this.index = index;
        this.op = op;
        this.call = call;
        this.name = name;
        this.subject = subject;
        this.args = args;
    }

    /** An error does not end the program; its result says what happened. */
    public Step continuing() {
        flags |= Linux.CONT;
        return this;
    }

    /** This one error does not end the program. */
    public Step ignoring(Errno errno) {
        flags |= Linux.IGN;
        aux = errno.number();
        return this;
    }

    /** Repeats while the result is positive. */
    public Step repeating() {
        flags |= Linux.REPEAT;
        return this;
    }

    /** Runs even after an earlier step failed: clean-up. */
    public Step always() {
        flags |= Linux.ALWAYS;
        return this;
    }

    /** A result of zero, an end of file, is a failure too. */
    public Step positive() {
        flags |= Linux.POSITIVE;
        return this;
    }

    void setAux(int aux) {
        this.aux = aux;
    }

    /** The result of this step as an argument of a later one. */
    public Arg result() {
        return new Arg(resultAt(), true, null);
    }

    /** Where its result will be. */
    long resultAt() {
        return Linux.RESULTS_AT + (long) index * Long.BYTES;
    }

    int index() {
        return index;
    }

    public String name() {
        return name;
    }

    public String subject() {
        return subject;
    }

    /** The system call's name, or {@code fork} or {@code reply}. */
    public String call() {
        return call;
    }

    /** The argument at a position, for tests that read programs. */
    public Arg argument(int i) {
        return i < args.length ? args[i] : Arg.ZERO;
    }

    /** The failure that this errno means here. */
    public SyscallFailure failure(Errno errno) {
        return new SyscallFailure(name, subject, call, errno);
    }

    void encode(ByteBuffer out) {
        int ind = 0;
        for (int i = 0; i < args.length; i++) {
            if (args[i].indirect()) {
                ind |= 1 << i;
            }
        }
        out.putShort((short) op).put((byte) flags).put((byte) ind).putInt(aux);
        for (Arg arg : args) {
            out.putLong(arg.value());
        }
        for (int i = args.length; i < ARGUMENTS; i++) {
            out.putLong(0);
        }
    }

    @Override
    public String toString() {
        StringBuilder line =
                new StringBuilder(name).append(' ').append(subject).append(": ").append(call);
        line.append(
                Arrays.stream(args).map(Arg::toString).collect(Collectors.joining(", ", "(", ")")));
        if ((flags & Linux.CONT) != 0) {
            line.append(" continuing");
        }
        if ((flags & Linux.IGN) != 0) {
            line.append(" ignoring ").append(new Errno(aux).symbol());
        }
        if ((flags & Linux.REPEAT) != 0) {
            line.append(" repeating");
        }
        if ((flags & Linux.ALWAYS) != 0) {
            line.append(" always");
        }
        if ((flags & Linux.POSITIVE) != 0) {
            line.append(" positive");
        }
        return line.toString();
    }
}
