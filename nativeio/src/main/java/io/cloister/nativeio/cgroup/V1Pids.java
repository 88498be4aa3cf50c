// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/** A container's group of the version 1 pids controller; init is one of those that it counts. */
final class V1Pids implements AutoCloseable {
    private static final int INIT = 1;

    private final CgroupFile max;
    private final CgroupFile events;
    private final Optional<CgroupFile> peak; // since Linux 6.1
    private OptionalInt limit = OptionalInt.empty();
    private boolean known;
    private long refusedBefore;
    private long peakBefore;

    record Figures(OptionalInt peak, long refused) {}

    V1Pids(Path group) throws IOException {
        max = CgroupFile.open(group, "pids.max", Linux.O_WRONLY);
        events = CgroupFile.open(group, "pids.events", Linux.O_RDONLY);
        peak = CgroupFile.openIfThere(group, "pids.peak", Linux.O_RDONLY);
        refusedBefore = events.value("max");
    }

    void begin(OptionalInt processes) throws IOException {
        if (!known || !processes.equals(limit)) {
            known = false; // unless the kernel takes it
            max.write(
                    processes.isPresent()
                            ? Long.toString((long) processes.getAsInt() + INIT)
                            : "max");
            limit = processes;
            known = true;
        }
    }

    Figures end() throws IOException {
        long refusedNow = events.value("max");
        long refused = refusedNow - refusedBefore;
        refusedBefore = refusedNow;
        long most = peak.isPresent() ? peak.get().number() : 0;
        boolean more = most > peakBefore;
        peakBefore = Math.max(most, peakBefore);
        return new Figures(more ? OptionalInt.of((int) most - INIT) : OptionalInt.empty(), refused);
    }

    @Override
    public void close() {
        max.close();
        events.close();
        peak.ifPresent(CgroupFile::close);
    }
}
