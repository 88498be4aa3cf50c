// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A run's own group of version 2, new, and so with all its counters at zero. */
final class V2Run implements CgroupRun {
    private static final Logger LOG = LoggerFactory.getLogger(V2Run.class);
    private static final String MEMORY_SOURCE = "cgroup-v2 memory.peak";
    private static final long PERIOD_MICROS = 100_000;
    private static final long NANOS_PER_MICRO = 1000;

    private final Path group;
    private final Set<CgroupController> controllers;
    private final Fd directory;
    private final CgroupFile cpuStat;

    private V2Run(Path group, Set<CgroupController> controllers, Fd directory, CgroupFile cpuStat) {
        this.group = group;
        this.controllers = controllers;
        this.directory = directory;
        this.cpuStat = cpuStat;
    }

    /** Sets the limits of a new group, which stays the caller's if that fails. */
    static V2Run open(Path group, Set<CgroupController> controllers, CgroupLimits limits)
            throws IOException {
        if (controllers.contains(CgroupController.MEMORY) && limits.memoryBytes().isPresent()) {
            set(group, "memory.max", Long.toString(limits.memoryBytes().getAsLong()));
            if (Files.exists(group.resolve("memory.swap.max"))) { // not without CONFIG_SWAP
                set(group, "memory.swap.max", "0");
            }
            set(group, "memory.oom.group", "1");
        }
        if (controllers.contains(CgroupController.PIDS) && limits.processes().isPresent()) {
            set(group, "pids.max", Integer.toString(limits.processes().getAsInt()));
        }
        if (controllers.contains(CgroupController.CPU) && limits.cpuMillis().isPresent()) {
            long quota = limits.cpuMillis().getAsInt() * PERIOD_MICROS / 1000;
            set(group, "cpu.max", quota + " " + PERIOD_MICROS);
        }
        if (controllers.contains(CgroupController.CPUSET) && limits.cpuSet().isPresent()) {
            set(group, "cpuset.cpus", limits.cpuSet().get());
        }
        Fd directory = V2Container.openDirectory(group);
        try {
            CgroupFile cpuStat = CgroupFile.open(group, "cpu.stat", Linux.O_RDONLY);
            return new V2Run(group, controllers, directory, cpuStat);
        } catch (IOException e) {
            directory.close();
            throw e;
        }
    }

    private static void set(Path group, String file, String value) throws IOException {
        CgroupFile.write(group, file, value);
    }

    Path group() {
        return group;
    }

    @Override
    public Optional<Fd> forkInto() {
        return Optional.of(directory);
    }

    @Override
    public Optional<CpuUsage> cpuUsage() {
        return Optional.of(new CpuUsage(cpuStat.fd(), NANOS_PER_MICRO)); // usage_usec is the first
    }

    @Override
    public boolean countsInit() {
        return false;
    }

    @Override
    public CgroupFigures end() throws IOException {
        CgroupFigures figures = CgroupFigures.none();
        OptionalLong peak = figures.memoryPeakBytes();
        String source = figures.memorySource();
        OptionalLong remaining = figures.remainingMemoryBytes();
        long kills = 0;
        if (controllers.contains(CgroupController.MEMORY)) {
            peak = numberIfThere("memory.peak");
            source = peak.isPresent() ? MEMORY_SOURCE : "none: memory.peak needs Linux 5.19";
            long current = number("memory.current");
            long shared =
                    current > V1Memory.WORTH_A_LOOK
                            ? StatText.value(
                                    read("memory.stat"), V1Memory.SHARED, path("memory.stat"))
                            : 0;
            remaining = OptionalLong.of(Math.max(0, current - shared));
            kills = countKills();
        }
        OptionalInt processesPeak = figures.processesPeak();
        long refused = 0;
        if (controllers.contains(CgroupController.PIDS)) {
            OptionalLong most = numberIfThere("pids.peak"); // since Linux 6.1
            processesPeak =
                    most.isPresent() ? OptionalInt.of((int) most.getAsLong()) : OptionalInt.empty();
            refused = StatText.value(read("pids.events"), "max", path("pids.events"));
        }
        return new CgroupFigures(peak, source, kills, processesPeak, refused, remaining);
    }

    private long countKills() throws IOException {
        String events = read("memory.events");
        long kills = StatText.value(events, "oom_kill", path("memory.events"));
        if (kills > 0 && StatText.value(events, "oom", path("memory.events")) == 0) {
            throw new OuterOutOfMemoryException(kills);
        }
        return kills;
    }

    private OptionalLong numberIfThere(String file) throws IOException {
        return Files.exists(group.resolve(file))
                ? OptionalLong.of(number(file))
                : OptionalLong.empty();
    }

    private long number(String file) throws IOException {
        return StatText.number(read(file), path(file));
    }

    private String read(String file) throws IOException {
        return CgroupFile.read(group, file);
    }

    private String path(String file) {
        return group + "/" + file;
    }

    @Override
    public void close() {
        directory.close();
        cpuStat.close();
        try {
            if (!Groups.isRemoved(group)) {
                Thread.ofVirtual().name("remove " + group).start(this::removeWithPatience);
            }
        } catch (IOException e) {
            LOG.warn("a run's group stays until its container goes: {}", e.getMessage());
        }
    }

    private void removeWithPatience() {
        try {
            Groups.remove(group);
        } catch (IOException e) {
            LOG.warn("a run's group stays until its container goes: {}", e.getMessage());
        }
    }
}
