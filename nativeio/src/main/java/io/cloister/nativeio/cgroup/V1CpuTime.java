// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.nio.file.Path;

/** A container's group of the version 1 cpuacct controller: cgroup-v1/cpuacct.rst of the kernel. */
final class V1CpuTime implements AutoCloseable {
    private final CgroupFile usage;
    private final CgroupFile user;
    private final CgroupFile system;
    private long usageBefore;
    private long userBefore;
    private long systemBefore;

    record Figures(long userNanos, long systemNanos) {}

    V1CpuTime(Path group) throws IOException {
        usage = CgroupFile.open(group, "cpuacct.usage", Linux.O_RDONLY);
        user = CgroupFile.open(group, "cpuacct.usage_user", Linux.O_RDONLY);
        system = CgroupFile.open(group, "cpuacct.usage_sys", Linux.O_RDONLY);
    }

    void begin() throws IOException {
        usageBefore = usage.number();
        userBefore = user.number();
        systemBefore = system.number();
    }

    /**
     * The sum is exact; which part was in the kernel is sampled by the timer's tick. Without a
     * sample in the kernel all is the program's own, as in the kernel's cputime_adjust().
     */
    Figures end() throws IOException {
        long sum = usage.number() - usageBefore;
        long inUser = user.number() - userBefore;
        long inSystem = system.number() - systemBefore;
        long systemNanos =
                inSystem == 0 ? 0 : (long) ((double) sum * inSystem / (inUser + inSystem));
        return new Figures(sum - systemNanos, systemNanos);
    }

    /** For those who look at it while the run goes on. */
    CpuUsage usage() {
        return new CpuUsage(usage.fd(), 1);
    }

    @Override
    public void close() {
        usage.close();
        user.close();
        system.close();
    }
}
