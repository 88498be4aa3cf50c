// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.SyscallTable;
import java.util.Arrays;
import java.util.Optional;

/**
 * The system call that a thread sleeps in.
 *
 * @param descriptor its first argument, when it moves bytes
 */
record BlockedCall(Kind kind, long descriptor) {
    private static final SyscallTable CALLS = SyscallTable.of(Architecture.current());
    private static final int ARGUMENTS = 6;

    /** What can end it. */
    enum Kind {
        /** The other end of the descriptor. */
        MOVES_BYTES,
        /** Another thread or process, however long that takes. */
        WAITS,
        /** Time, or something that is not known here. */
        OTHER
    }

    /**
     * Reads /proc/PID/syscall, proc(5): the call's number and its arguments, then the stack and
     * instruction pointers; empty when the thread runs, or sleeps in no call.
     */
    static Optional<BlockedCall> parse(String line) {
        String[] words = line.split(" ", -1);
        if (words.length != ARGUMENTS + 3) {
            return Optional.empty();
        }
        long[] arguments =
                Arrays.stream(words, 1, ARGUMENTS + 1)
                        .mapToLong(word -> Long.parseUnsignedLong(word.substring(2), 16))
                        .toArray();
        return CALLS.name(Integer.parseInt(words[0]))
                .map(name -> new BlockedCall(kind(name, arguments), arguments[0]));
    }

    private static Kind kind(String name, long[] arguments) {
        return switch (name) {
            case "read", "readv", "write", "writev" -> Kind.MOVES_BYTES;
            case "wait4", "waitid" -> Kind.WAITS;
            case "poll" -> unlessTimed((int) arguments[2] < 0);
            case "ppoll" -> unlessTimed(arguments[2] == 0);
            case "select", "pselect6" -> unlessTimed(arguments[4] == 0);
            case "epoll_wait", "epoll_pwait" -> unlessTimed((int) arguments[3] < 0);
            case "epoll_pwait2" -> unlessTimed(arguments[3] == 0);
            case "futex" -> {
                long operation = arguments[1] & Linux.FUTEX_CMD_MASK;
                boolean waits =
                        operation == Linux.FUTEX_WAIT || operation == Linux.FUTEX_WAIT_BITSET;
                yield unlessTimed(waits && arguments[3] == 0);
            }
            default -> Kind.OTHER;
        };
    }

    private static Kind unlessTimed(boolean untimed) {
        return untimed ? Kind.WAITS : Kind.OTHER;
    }
}
