// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.unit.Coded;

/** What enforces a limit. */
public enum Mechanism implements Coded {
    /** PID 1 of the container, by the monotonic clock. */
    INIT(0, "init"),
    /** PID 1 of the container, by the figure of the run's control group: covers all processes. */
    INIT_CGROUP_V1(1, "init by cgroup-v1"),
    INIT_CGROUP_V2(2, "init by cgroup-v2"),
    /** PID 1 by the CPU clock of the program's first process: its children escape it. */
    INIT_PROCESS_CLOCK(3, "init by process clock"),
    CGROUP_V1(4, "cgroup-v1"),
    CGROUP_V2(5, "cgroup-v2"),
    /** A resource limit, of each process or of the user: setrlimit(2). */
    RLIMIT(6, "rlimit"),
    /** The size of a tmpfs(5). */
    TMPFS(7, "tmpfs"),
    /** The worker's collector of streams. */
    COLLECTOR(8, "collector");

    private final int code;
    private final String text;

    Mechanism(int code, String text) {
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
