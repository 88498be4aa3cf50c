// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.cgroup.CgroupController;
import io.cloister.nativeio.cgroup.CgroupLimits;
import io.cloister.nativeio.cgroup.CgroupVersion;
import io.cloister.nativeio.cgroup.Cgroups;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Enforced;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Mechanism;
import io.cloister.protocol.run.Rlimits;
import io.cloister.protocol.unit.ByteSize;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * How a run's limits are enforced by what this worker has: a control group where there is one, else
 * resource limits as far as they reach. A limit that nothing here can enforce in full is refused,
 * unless the request allows less.
 *
 * @param group what the control group is told
 * @param rlimits of the program, set before it starts
 * @param enforced for the result
 */
public record Enforcement(CgroupLimits group, Rlimits rlimits, List<Enforced> enforced) {
    /** Beyond the limit that init enforces: RLIMIT_CPU counts whole seconds of each process. */
    private static final int CPU_BACKSTOP_SECONDS = 2;

    public Enforcement {
        enforced = List.copyOf(enforced);
    }

    /** A limit that cannot be enforced. */
    public static final class NotEnforceable extends Exception {
        private static final long serialVersionUID = 1L;

        private final transient Failure failure;

        NotEnforceable(Limit limit, String why) {
            super(why);
            failure =
                    Failure.of(
                            Failure.Kind.NOT_ENFORCEABLE,
                            limit.text(),
                            "this worker cannot enforce the limit: %s; or allow less (allowLess)"
                                    .formatted(why));
        }

        public Failure failure() {
            return failure;
        }
    }

    /**
     * Plans a run.
     *
     * @param singleId the container has one user id only, which init shares with the program
     * @param cores of the container, for programs whose request names none
     */
    public static Enforcement of(
            Execve request, Cgroups cgroups, boolean singleId, Optional<String> cores)
            throws NotEnforceable {
        Limits limits = request.limits();
        if (limits.cpuSet().isEmpty() && cores.isPresent()) {
            limits = limits.toBuilder().cpuSet(cores.get()).build();
        }
        return new Planner(limits, cgroups, singleId).plan(request.rlimits());
    }

    private static final class Planner {
        private final Limits limits;
        private final Cgroups cgroups;
        private final boolean singleId;
        private final boolean v2;
        private final List<Enforced> enforced = new ArrayList<>();

        Planner(Limits limits, Cgroups cgroups, boolean singleId) {
            this.limits = limits;
            this.cgroups = cgroups;
            this.singleId = singleId;
            v2 = cgroups.version() == CgroupVersion.V2;
        }

        Enforcement plan(Rlimits requested) throws NotEnforceable {
            Rlimits.Builder rlimits = requested.toBuilder();
            OptionalLong memory = OptionalLong.empty();
            OptionalInt processes = OptionalInt.empty();
            OptionalInt cpuRate = OptionalInt.empty();
            Optional<String> cpuSet = Optional.empty();
            add(Limit.WALL_TIME, Mechanism.INIT);
            if (limits.cpuTime().isPresent()) {
                planCpuTime(limits.cpuTime().get(), rlimits);
            }
            if (limits.memory().isPresent()) {
                ByteSize size = limits.memory().get();
                if (inGroup(Limit.MEMORY, CgroupController.MEMORY)) {
                    memory = OptionalLong.of(size.bytes());
                } else {
                    rlimits.data(size);
                    add(Limit.MEMORY, Mechanism.RLIMIT);
                }
            }
            if (limits.processes().isPresent()) {
                int count = limits.processes().getAsInt();
                if (has(CgroupController.PIDS)) {
                    processes = OptionalInt.of(count);
                    addGroup(Limit.PROCESSES);
                } else { // counted per user and user namespace, where there is but the program
                    rlimits.processes(singleId ? count + 1L : count);
                    add(Limit.PROCESSES, Mechanism.RLIMIT);
                }
            }
            if (limits.cpuRate().isPresent() && inGroup(Limit.CPU_RATE, CgroupController.CPU)) {
                cpuRate = limits.cpuRate();
            }
            if (limits.cpuSet().isPresent() && inGroup(Limit.CPU_SET, CgroupController.CPUSET)) {
                cpuSet = limits.cpuSet();
            }
            planRlimits(rlimits);
            limits.diskSize().ifPresent(size -> add(Limit.DISK_SIZE, Mechanism.TMPFS));
            limits.diskFiles().ifPresent(count -> add(Limit.DISK_FILES, Mechanism.TMPFS));
            return new Enforcement(
                    new CgroupLimits(memory, processes, cpuRate, cpuSet),
                    rlimits.build(),
                    enforced);
        }

        private void planCpuTime(Duration limit, Rlimits.Builder rlimits) throws NotEnforceable {
            if (has(CgroupController.CPU_TIME)) {
                add(Limit.CPU_TIME, v2 ? Mechanism.INIT_CGROUP_V2 : Mechanism.INIT_CGROUP_V1);
            } else {
                mayBeLess(Limit.CPU_TIME, CgroupController.CPU_TIME);
                add(Limit.CPU_TIME, Mechanism.INIT_PROCESS_CLOCK);
            }
            rlimits.cpuTime(limit.plusSeconds(CPU_BACKSTOP_SECONDS));
            add(Limit.CPU_TIME, Mechanism.RLIMIT);
        }

        private void planRlimits(Rlimits.Builder rlimits) {
            limits.fileSize()
                    .ifPresent(size -> {
                        rlimits.fileSize(size);
                        add(Limit.FILE_SIZE, Mechanism.RLIMIT);
                    });
            limits.stack()
                    .ifPresent(size -> {
                        rlimits.stack(size);
                        add(Limit.STACK, Mechanism.RLIMIT);
                    });
            limits.openFiles()
                    .ifPresent(count -> {
                        rlimits.openFiles(count);
                        add(Limit.OPEN_FILES, Mechanism.RLIMIT);
                    });
            limits.addressSpace()
                    .ifPresent(size -> {
                        rlimits.addressSpace(size);
                        add(Limit.ADDRESS_SPACE, Mechanism.RLIMIT);
                    });
            limits.dataSegment()
                    .ifPresent(size -> {
                        rlimits.data(size);
                        add(Limit.DATA_SEGMENT, Mechanism.RLIMIT);
                    });
        }

        private boolean has(CgroupController controller) {
            return cgroups.controllers().contains(controller);
        }

        private void mayBeLess(Limit limit, CgroupController controller) throws NotEnforceable {
            if (!limits.allowLess()) {
                throw new NotEnforceable(limit, cgroups.whyNot(controller));
            }
        }

        /** Whether the group enforces it; nothing does where the request allows that. */
        private boolean inGroup(Limit limit, CgroupController controller) throws NotEnforceable {
            if (has(controller)) {
                addGroup(limit);
                return true;
            }
            mayBeLess(limit, controller);
            return false;
        }

        private void addGroup(Limit limit) {
            add(limit, v2 ? Mechanism.CGROUP_V2 : Mechanism.CGROUP_V1);
        }

        private void add(Limit limit, Mechanism by) {
            enforced.add(new Enforced(limit, by));
        }
    }
}
