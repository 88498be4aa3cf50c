// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.unit.Coded;

/**
 * What setrlimit(2) can limit, by its names there. The kernel's numbers are the native layer's
 * business.
 */
public enum Resource implements Coded {
    RLIMIT_CPU(0, Unit.SECONDS),
    RLIMIT_FSIZE(1, Unit.BYTES),
    RLIMIT_DATA(2, Unit.BYTES),
    RLIMIT_STACK(3, Unit.BYTES),
    RLIMIT_CORE(4, Unit.BYTES),
    RLIMIT_NPROC(5, Unit.COUNT),
    RLIMIT_NOFILE(6, Unit.COUNT),
    RLIMIT_MEMLOCK(7, Unit.BYTES),
    RLIMIT_AS(8, Unit.BYTES),
    RLIMIT_SIGPENDING(9, Unit.COUNT),
    RLIMIT_MSGQUEUE(10, Unit.BYTES),
    RLIMIT_NICE(11, Unit.COUNT),
    RLIMIT_RTPRIO(12, Unit.COUNT),
    RLIMIT_RTTIME(13, Unit.MICROSECONDS);

    /** What the kernel counts for a resource. */
    public enum Unit {
        SECONDS,
        MICROSECONDS,
        BYTES,
        COUNT
    }

    private final int code;
    private final Unit unit;

    Resource(int code, Unit unit) {
        this.code = code;
        this.unit = unit;
    }

    @Override
    public int code() {
        return code;
    }

    public Unit unit() {
        return unit;
    }
}
