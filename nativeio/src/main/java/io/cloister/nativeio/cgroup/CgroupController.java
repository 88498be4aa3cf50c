// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

/** What control groups can measure or limit, one by one: a machine may lack some. */
public enum CgroupController {
    /** CPU time is measured: cpuacct of version 1, cpu.stat of version 2. */
    CPU_TIME("cpuacct"),
    MEMORY("memory"),
    PIDS("pids"),
    /** CPU rate is limited. */
    CPU("cpu"),
    CPUSET("cpuset");

    private final String kernelName;

    CgroupController(String kernelName) {
        this.kernelName = kernelName;
    }

    /** The controller's name in the kernel's files; version 2 has none for {@link #CPU_TIME}. */
    public String kernelName() {
        return kernelName;
    }
}
