// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** Limits of one kind, and what runs into them. */
final class TestLimits {
    static final long MIB = 1 << 20;

    /**
     * In a subshell: this, a sleep, and a shell with another. Nobody is orphaned when that one is
     * refused.
     */
    static final String FOUR_PROCESSES = "sleep 0.2 & (sleep 0.2 & wait); wait";

    private TestLimits() {}

    static CgroupLimits memory(long bytes) {
        return new CgroupLimits(
                OptionalLong.of(bytes), OptionalInt.empty(), OptionalInt.empty(), Optional.empty());
    }

    static CgroupLimits processes(int count) {
        return new CgroupLimits(
                OptionalLong.empty(), OptionalInt.of(count), OptionalInt.empty(), Optional.empty());
    }

    static CgroupLimits cpus(int millis, String set) {
        return new CgroupLimits(
                OptionalLong.empty(),
                OptionalInt.empty(),
                OptionalInt.of(millis),
                Optional.of(set));
    }

    /** Writes so many MiB into its own memory. */
    static String hog(int mib) {
        return "head -c %dM /dev/zero | tail -c %dM > /dev/null".formatted(mib, mib);
    }

    /** Uses some CPU time. */
    static String busy() {
        return "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'";
    }
}
