// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What a run's status rests on, beside its termination and its usage.
 *
 * @param oomKills processes that the kernel killed because the memory limit was reached: oom_kill
 *     of memory.events (cgroup v2) or memory.oom_control (v1)
 * @param processesRefused forks that the process limit refused: max of pids.events
 * @param disallowedSyscall name of the system call that the seccomp profile kills for
 * @param observedSyscalls names of those that a profile in log mode would have refused, sorted
 * @param idle ended because every program of its group waited for another one
 */
public record Evidence(
        long oomKills,
        long processesRefused,
        Optional<String> disallowedSyscall,
        List<String> observedSyscalls,
        boolean idle) {
    public static final int MAX_SYSCALLS = 512;
    private static final int MAX_NAME = 64;
    private static final Evidence NONE = new Evidence(0, 0, Optional.empty(), List.of(), false);

    public Evidence {
        Check.range("number of OOM kills", oomKills, 0, Long.MAX_VALUE);
        Check.range("number of refused forks", processesRefused, 0, Long.MAX_VALUE);
        Objects.requireNonNull(disallowedSyscall, "disallowedSyscall");
        disallowedSyscall.ifPresent(name -> Check.text("system call", name, MAX_NAME));
        observedSyscalls = Check.list("observed system calls", observedSyscalls, MAX_SYSCALLS);
        observedSyscalls.forEach(name -> Check.text("system call", name, MAX_NAME));
    }

    /** Nothing was seen. */
    public static Evidence none() {
        return NONE;
    }

    /** The same of a run that was ended since its group waited for itself. */
    public Evidence asIdle() {
        return new Evidence(oomKills, processesRefused, disallowedSyscall, observedSyscalls, true);
    }
}
