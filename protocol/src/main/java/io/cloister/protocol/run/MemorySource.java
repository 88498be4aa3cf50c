// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.unit.Coded;

/** Where a figure of memory comes from. They differ in what they count, see docs/limits.md. */
public enum MemorySource implements Coded {
    /** Peak of all processes together, less what remained of it in caches. */
    CGROUP_V2_PEAK(0, "cgroup-v2 memory.peak"),
    /** Peak of all processes together, less what remained of it in caches and in init. */
    CGROUP_V1_MAX_USAGE(1, "cgroup-v1 max_usage"),
    /** The largest resident set of any one process: ru_maxrss of getrusage(2). */
    RUSAGE(2, "rusage");

    private final int code;
    private final String text;

    MemorySource(int code, String text) {
        this.code = code;
        this.text = text;
    }

    @Override
    public int code() {
        return code;
    }

    /** The name in JSON and in tables. */
    public String text() {
        return text;
    }
}
