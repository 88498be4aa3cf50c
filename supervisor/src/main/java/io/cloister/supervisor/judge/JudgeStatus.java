// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

/** What a contestant is told. */
public enum JudgeStatus {
    /** Every case was answered rightly within the limits. */
    ACCEPTED,
    WRONG_ANSWER,
    COMPILE_ERROR,
    /** CPU or wall time used up. */
    TIME_LIMIT,
    /** The memory limit was hit. */
    MEMORY_LIMIT,
    /** More output than allowed. */
    OUTPUT_LIMIT,
    /** Ended by a signal, or with an exit code other than 0. */
    RUNTIME_ERROR,
    /** Cloister's own failure: says nothing of the submission. */
    INTERNAL_ERROR
}
