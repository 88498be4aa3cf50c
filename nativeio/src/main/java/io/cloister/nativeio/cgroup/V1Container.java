// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A container's groups of version 1: init lives in them, and runs are born there. */
final class V1Container implements ContainerCgroup {
    private static final int MILLIS_TO_MICROS_OF_PERIOD = 100; // a period is 100 ms by default

    private final Set<Path> groups;
    private final List<Runnable> closing = new ArrayList<>();
    private @Nullable V1Memory memory;
    private @Nullable V1Pids pids;
    private @Nullable V1CpuTime cpuTime;
    private @Nullable CgroupFile cpuQuota;
    private @Nullable CgroupFile cpus;
    private boolean rateLimited;
    private String allCpus = "";
    private String setCpus = "";

    private V1Container(Collection<Path> groups) {
        this.groups = new LinkedHashSet<>(groups);
    }

    static V1Container create(Map<CgroupController, Path> groups) throws IOException {
        V1Container container = new V1Container(groups.values());
        try {
            for (Path group : container.groups) {
                Groups.make(group);
            }
            for (Map.Entry<CgroupController, Path> entry : groups.entrySet()) {
                container.open(entry.getKey(), entry.getValue());
            }
            return container;
        } catch (IOException | RuntimeException e) {
            try {
                container.remove();
            } catch (IOException again) {
                e.addSuppressed(again);
            }
            throw e;
        }
    }

    private void open(CgroupController controller, Path group) throws IOException {
        switch (controller) {
            case CPU_TIME -> {
                cpuTime = new V1CpuTime(group);
                closing.add(cpuTime::close);
            }
            case MEMORY -> {
                memory = new V1Memory(group);
                closing.add(memory::close);
            }
            case PIDS -> {
                pids = new V1Pids(group);
                closing.add(pids::close);
            }
            case CPU -> {
                cpuQuota = CgroupFile.open(group, "cpu.cfs_quota_us", Linux.O_WRONLY);
                closing.add(cpuQuota::close);
            }
            case CPUSET -> {
                V1Cgroups.inheritCpuset(group);
                cpus = CgroupFile.open(group, "cpuset.cpus", Linux.O_RDWR);
                closing.add(cpus::close);
                allCpus = cpus.text().strip();
                setCpus = allCpus;
            }
        }
    }

    @Override
    public Optional<Fd> initGroup() {
        return Optional.empty();
    }

    @Override
    public synchronized void admit(int pid, int hostUid) throws IOException {
        for (Path group : groups) {
            CgroupFile.write(group, Groups.PROCS, Integer.toString(pid));
        }
    }

    @Override
    public synchronized CgroupRun begin(CgroupLimits limits) throws IOException {
        try {
            limit(limits);
        } catch (IOException e) {
            try {
                lift();
            } catch (IOException again) {
                e.addSuppressed(again);
            }
            throw e;
        }
        return new Run();
    }

    private void limit(CgroupLimits limits) throws IOException {
        if (cpus != null) {
            useCpus(cpus, limits.cpuSet().orElse(allCpus));
        }
        if (cpuQuota != null && (rateLimited || limits.cpuMillis().isPresent())) {
            limitRate(cpuQuota, limits.cpuMillis());
        }
        if (pids != null) {
            pids.begin(limits.processes());
        }
        if (memory != null) {
            memory.begin(limits.memoryBytes());
        }
    }

    private boolean mustLift() {
        return rateLimited || (memory != null && memory.mustLift());
    }

    /**
     * Between runs no limit may hinder init, which is in the groups and has to work, whatever the
     * last run left. One that leaves it room stays: the next run's is likely the same.
     */
    private void lift() throws IOException {
        if (cpuQuota != null && rateLimited) {
            limitRate(cpuQuota, OptionalInt.empty());
        }
        if (memory != null) {
            memory.lift();
        }
    }

    /** Stays until it changes: the kernel takes long over it, and init does as well on these. */
    private void useCpus(CgroupFile file, String list) throws IOException {
        if (!list.equals(setCpus)) {
            setCpus = ""; // unless the kernel takes it
            file.write(list);
            setCpus = list;
        }
    }

    private void limitRate(CgroupFile quota, OptionalInt millis) throws IOException {
        rateLimited = true;
        quota.write(
                millis.isPresent()
                        ? Long.toString((long) millis.getAsInt() * MILLIS_TO_MICROS_OF_PERIOD)
                        : "-1");
        rateLimited = millis.isPresent();
    }

    private synchronized CgroupFigures end() throws IOException {
        boolean done = false;
        try {
            CgroupFigures figures = figures();
            done = true;
            return figures;
        } finally {
            if (!done || mustLift()) {
                lift();
            }
        }
    }

    private CgroupFigures figures() throws IOException {
        V1Pids.@Nullable Figures count = pids == null ? null : pids.end();
        V1Memory.@Nullable Figures used = memory == null ? null : memory.end();
        CgroupFigures none = CgroupFigures.none();
        return new CgroupFigures(
                used == null ? none.memoryPeakBytes() : OptionalLong.of(used.peakBytes()),
                used == null ? none.memorySource() : V1Memory.SOURCE,
                used == null ? 0 : used.kills(),
                count == null ? OptionalInt.empty() : count.peak(),
                count == null ? 0 : count.refused(),
                used == null ? OptionalLong.empty() : OptionalLong.of(used.remainingBytes()));
    }

    @Override
    public synchronized Optional<String> leftover() throws IOException {
        return memory == null ? Optional.empty() : memory.leftover();
    }

    @Override
    public synchronized void remove() throws IOException {
        closing.forEach(Runnable::run);
        for (Path group : groups) {
            Groups.remove(group);
        }
    }

    private final class Run implements CgroupRun {
        @Override
        public Optional<Fd> forkInto() {
            return Optional.empty();
        }

        @Override
        public Optional<CpuUsage> cpuUsage() {
            return Optional.ofNullable(cpuTime).map(V1CpuTime::usage);
        }

        @Override
        public boolean countsInit() {
            return true;
        }

        @Override
        public CgroupFigures end() throws IOException {
            return V1Container.this.end();
        }

        @Override
        public void close() {}
    }
}
