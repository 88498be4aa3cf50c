// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.unit.ByteSize;
import java.time.Duration;

/**
 * What a program used, as the rusage of wait4(2) tells it.
 *
 * <p>It covers the program and those descendants that were waited for; orphans and live children
 * are missing from it.
 *
 * @param userCpu CPU time in user mode
 * @param systemCpu CPU time in the kernel
 * @param maxResidentSet largest resident set of any one process, ru_maxrss
 */
public record Usage(Duration userCpu, Duration systemCpu, ByteSize maxResidentSet) {
    private static final Duration MAX = Duration.ofDays(36_500);

    public Usage {
        Check.duration("user CPU time", userCpu, Duration.ZERO, MAX);
        Check.duration("system CPU time", systemCpu, Duration.ZERO, MAX);
    }

    /** User and system time together. */
    public Duration cpuTime() {
        return userCpu.plus(systemCpu);
    }
}
