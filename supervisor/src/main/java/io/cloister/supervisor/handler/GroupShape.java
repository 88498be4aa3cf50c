// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.cgroup.CgroupRun;
import io.cloister.nativeio.cgroup.CpuUsage;
import java.util.Optional;
import java.util.OptionalLong;

/** What the program of a run owes to the run's control group, descriptors aside. */
record GroupShape(boolean ownGroup, boolean countsInit, OptionalLong nanosPerUnit) {
    static GroupShape of(CgroupRun group) {
        Optional<CpuUsage> usage = group.cpuUsage();
        return new GroupShape(
                group.forkInto().isPresent(),
                group.countsInit(),
                usage.isPresent()
                        ? OptionalLong.of(usage.get().nanosPerUnit())
                        : OptionalLong.empty());
    }
}
