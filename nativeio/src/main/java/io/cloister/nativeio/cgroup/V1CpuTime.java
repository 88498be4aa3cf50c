// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.nio.file.Path;

/** A container's group of the version 1 cpuacct controller: cgroup-v1/cpuacct.rst of the kernel. */
final class V1CpuTime implements AutoCloseable {
    private final CgroupFile usage;

    V1CpuTime(Path group) throws IOException {
        usage = CgroupFile.open(group, "cpuacct.usage", Linux.O_RDONLY);
    }

    /** For those who look at it while the run goes on. */
    CpuUsage usage() {
        return new CpuUsage(usage.fd(), 1);
    }

    @Override
    public void close() {
        usage.close();
    }
}
