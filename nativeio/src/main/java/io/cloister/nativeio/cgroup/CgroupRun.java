// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import io.cloister.nativeio.fd.Fd;
import java.io.IOException;
import java.util.Optional;

/** The groups of one run. Figures never carry over from one run to the next. */
public interface CgroupRun extends AutoCloseable {
    /**
     * Version 2: this run's own group, for CLONE_INTO_CGROUP of clone3(2); it stays this object's.
     * Empty where init is in the groups, and its children are born there.
     */
    Optional<Fd> forkInto();

    /** Where CPU time can be read while the run goes on; empty where it is not measured. */
    Optional<CpuUsage> cpuUsage();

    /** Whether init's own CPU time is in the usage. */
    boolean countsInit();

    /**
     * Reads what the run used and sees to it that init can go on working. To be called once, after
     * every process of the run is gone.
     *
     * @throws IOException naming a figure that cannot be read; or when processes were killed for
     *     want of memory, though not because of the run's limit
     */
    CgroupFigures end() throws IOException;

    /** Gives the groups up; what the kernel is not done with yet is removed in the background. */
    @Override
    void close();
}
