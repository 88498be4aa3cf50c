// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

/** What a contestant is told. */
public enum JudgeStatus {
    /** Every case was answered rightly within the limits. */
    ACCEPTED("AC"),
    WRONG_ANSWER("WA"),
    COMPILE_ERROR("CE"),
    /** CPU or wall time used up. */
    TIME_LIMIT("TLE"),
    /** The memory limit was hit. */
    MEMORY_LIMIT("MLE"),
    /** More output than allowed. */
    OUTPUT_LIMIT("OLE"),
    /** Ended by a signal, or with an exit code other than 0. */
    RUNTIME_ERROR("RTE"),
    /** Cloister's own failure: says nothing of the submission. */
    INTERNAL_ERROR("JE");

    private final String abbreviation;

    JudgeStatus(String abbreviation) {
        this.abbreviation = abbreviation;
    }

    /** As contests write it, for example {@code AC}. */
    public String abbreviation() {
        return abbreviation;
    }
}
