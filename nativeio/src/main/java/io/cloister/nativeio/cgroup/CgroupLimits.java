// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * Limits of one run; what is empty is not limited here.
 *
 * @param memoryBytes of all processes together, page cache and tmpfs files included, without any
 *     swap; at least 1
 * @param processes how many processes and threads there may be at once; 1 to 4,194,303, which is
 *     all that a machine can have
 * @param cpuMillis how much of one CPU's time may be used in each tenth of a second: 1000 is one
 *     core, 2500 two and a half; at least 10, the kernel's minimum
 * @param cpuSet the CPUs that may be used, in the list format of cpuset(7), such as {@code 0-2,6}
 */
public record CgroupLimits(
        OptionalLong memoryBytes,
        OptionalInt processes,
        OptionalInt cpuMillis,
        Optional<String> cpuSet) {
    private static final Pattern LIST =
            Pattern.compile("\\d{1,5}(-\\d{1,5})?(,\\d{1,5}(-\\d{1,5})?)*");
    private static final int PROCESSES_MAX = (1 << 22) - 1; // pids.max: PID_MAX_LIMIT, with init
    private static final int CPU_MILLIS_MIN = 10;

    public static final CgroupLimits NONE =
            new CgroupLimits(
                    OptionalLong.empty(),
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    Optional.empty());

    public CgroupLimits {
        require(memoryBytes.orElse(1) >= 1, "a memory limit must be at least 1 byte");
        require(
                processes.orElse(1) >= 1 && processes.orElse(1) <= PROCESSES_MAX,
                "a limit of processes must be in 1..4194303");
        require(
                cpuMillis.orElse(CPU_MILLIS_MIN) >= CPU_MILLIS_MIN,
                "a CPU rate must be at least 10 thousandths of a core");
        require(
                cpuSet.isEmpty() || LIST.matcher(cpuSet.get()).matches(),
                "not a list of CPUs such as 0-2,6: " + cpuSet.orElse(""));
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new IllegalArgumentException(what);
        }
    }
}
