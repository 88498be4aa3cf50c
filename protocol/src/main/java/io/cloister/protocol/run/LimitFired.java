// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.unit.Coded;

/** The limit that ended a run. */
public enum LimitFired implements Coded {
    /** Init ended the run when its wall time was over. */
    WALL_TIME(0, "wall-time"),
    /** The CPU time limit ended the program. */
    CPU_TIME(1, "cpu-time");

    private final int code;
    private final String text;

    LimitFired(int code, String text) {
        this.code = code;
        this.text = text;
    }

    @Override
    public int code() {
        return code;
    }

    /** The name in JSON and on the command line, for example {@code wall-time}. */
    public String text() {
        return text;
    }
}
