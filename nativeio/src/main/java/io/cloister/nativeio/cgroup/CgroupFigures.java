// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What one run used, according to the kernel. Empty is what the kernel has no figure for; a figure
 * that it should have is never replaced by another.
 *
 * @param memoryPeakBytes most memory at once, page cache and tmpfs files included; in version 1
 *     init's too, and what the kernel hands out in advance: see docs/limits.md
 * @param memorySource where that comes from: {@code cgroup-v2 memory.peak} or {@code cgroup-v1
 *     max_usage}; without a figure why there is none
 * @param oomKills processes that the kernel killed because the run was at its memory limit
 * @param processesPeak most processes and threads at once, without init. Version 1 knows it only
 *     for a run that had more than any before it in the same container.
 * @param processesRefused how often a process or thread could not be made because of the limit
 * @param remainingMemoryBytes what is left in memory when all processes are gone, but for files
 *     that the run made in tmpfs: page cache, the kernel's caches, init
 */
public record CgroupFigures(
        OptionalLong memoryPeakBytes,
        String memorySource,
        long oomKills,
        OptionalInt processesPeak,
        long processesRefused,
        OptionalLong remainingMemoryBytes) {

    /**
     * The peak without what remained after the run: caches, which the kernel would have given back,
     * and in version 1 what earlier runs left of them. Less than the processes had at once if they
     * filled caches after that.
     */
    public OptionalLong processesPeakBytes() {
        return memoryPeakBytes.isPresent()
                ? OptionalLong.of(
                        Math.max(0, memoryPeakBytes.getAsLong() - remainingMemoryBytes.orElse(0)))
                : memoryPeakBytes;
    }

    /** No figures at all. */
    static CgroupFigures none() {
        return new CgroupFigures(
                OptionalLong.empty(),
                "none: no memory control group",
                0,
                OptionalInt.empty(),
                0,
                OptionalLong.empty());
    }
}
