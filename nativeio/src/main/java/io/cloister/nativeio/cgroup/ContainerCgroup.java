// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import io.cloister.nativeio.fd.Fd;
import java.io.IOException;
import java.util.Optional;

/**
 * One container's groups. Runs in it are one after another: {@link #begin}, {@link CgroupRun#end},
 * {@link CgroupRun#close}.
 */
public interface ContainerCgroup {
    /**
     * Version 2: the group that init must be born in, for CLONE_INTO_CGROUP of clone3(2); it stays
     * this object's. Where cgroup2 is mounted with {@code nsdelegate}, as systemd does, an init
     * with a cgroup namespace of its own cannot fork into another group: it must not have one.
     */
    Optional<Fd> initGroup();

    /**
     * Version 1: moves init into the groups, the only move there ever is; it may take some ms on an
     * idle machine. Version 2: lets init fork into the groups of runs. To be called once, before
     * the first run.
     *
     * @param pid init's number in the worker's PID namespace
     * @param hostUid init's uid on the host, which it must have taken before it forks into a run's
     *     group
     */
    void admit(int pid, int hostUid) throws IOException;

    /**
     * Sets limits and prepares the figures of a run. Limits whose controller is missing are not
     * set: {@link Cgroups#controllers}.
     *
     * @throws IOException naming the file and why the kernel did not take the limit; EBUSY for
     *     memory means that what is left in the container already needs more
     */
    CgroupRun begin(CgroupLimits limits) throws IOException;

    /**
     * Looks, between two runs and when no file or process of theirs is there any more, whether they
     * have left memory that counts against the next one's limit. A program can see to that: the
     * kernel frees files that are queued in sockets when it likes. Version 2 has no such thing, as
     * each run has a group of its own.
     *
     * @return how much there is, in words
     */
    Optional<String> leftover() throws IOException;

    /**
     * Kills what is in the groups and removes them. Waits for the kernel to let go of them, at most
     * two seconds. Doing it again tries what is left.
     *
     * @throws IOException naming a group that is still there
     */
    void remove() throws IOException;
}
