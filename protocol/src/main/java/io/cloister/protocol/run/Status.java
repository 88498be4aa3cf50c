// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.unit.Coded;

/** What came of a run, in one word. Whether the answer was right is not for Cloister to say. */
public enum Status implements Coded {
    /** Exit code 0 within all limits. */
    OK(0),
    /** Any other exit code. */
    NONZERO_EXIT(1),
    /** Ended by a signal that no limit explains. */
    SIGNALLED(2),
    /** CPU or wall time used up; the result names which. */
    TIME_LIMIT(3),
    /** Memory limit hit. */
    MEMORY_LIMIT(4),
    /** More output than allowed. */
    OUTPUT_LIMIT(5),
    /** A system call that the seccomp filter forbids. */
    DISALLOWED_SYSCALL(6),
    /** A file of the run is missing, unusable or too large. */
    FILE_ERROR(7),
    /** Killed because its client asked for it. */
    CANCELLED(8),
    /** Cloister or its host failed: says nothing of the program, run it again elsewhere. */
    INTERNAL_ERROR(9);

    private final int code;

    Status(int code) {
        this.code = code;
    }

    @Override
    public int code() {
        return code;
    }
}
