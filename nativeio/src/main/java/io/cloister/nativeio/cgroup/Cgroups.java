// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import java.io.IOException;
import java.util.Set;

/**
 * Where a worker makes control groups. For use by any thread.
 *
 * <p>The worker's groups are below a directory of its own, named after the process and its start
 * time, so that the next worker can tell what is left of one that is gone, and removes it when it
 * starts.
 */
public interface Cgroups extends AutoCloseable {
    /**
     * Finds out what can be used, by making the worker's directories. Where version 2 needs it, the
     * processes in the worker's own group are moved to a group below it ({@code cloister-worker}),
     * so it must be called before other processes are started that are to be left alone.
     *
     * @throws IOException saying why the version that was asked for cannot be used; {@code AUTO}
     *     gives {@link CgroupVersion#NONE} instead
     */
    static Cgroups detect(CgroupSettings settings) throws IOException {
        return Detection.detect(settings, Hierarchies.ofThisProcess());
    }

    /** None, for the reason given. */
    static Cgroups none(String reason) {
        return new NoCgroups(reason);
    }

    CgroupVersion version();

    /** What can be measured or limited. */
    Set<CgroupController> controllers();

    /** Why a controller cannot be used and what to do, in plain words; empty when it can be. */
    String whyNot(CgroupController missing);

    /** What is used and where, in one line. */
    String describe();

    /**
     * Makes the groups of a container.
     *
     * @param name of letters, digits, {@code -} and {@code _}, at most 64; none else of this
     *     object's has it
     */
    ContainerCgroup create(String name) throws IOException;

    /** Removes the worker's own directories, as far as they are empty. */
    @Override
    void close();
}
