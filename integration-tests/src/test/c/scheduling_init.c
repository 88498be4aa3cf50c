// SPDX-License-Identifier: Apache-2.0
/* Trap: a program that shares a host uid with PID 1 may make it slow: nice, affinity, policy,
 * I/O class; by its pid, by its process group, or by the uid alone.
 * Does: tries each of them.
 * Observe: exit 0; afterwards PID 1's nice, affinity and policy are as before. */
#include "hostile.h"
#include <sched.h>
#include <sys/resource.h>

int main(void)
{
    only_confined();
    errno = 0;
    int nice_before = getpriority(PRIO_PROCESS, 1);
    int readable = errno == 0;
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    struct sched_param parameter = {0};

    refused("setpriority(PRIO_PROCESS, 1)", setpriority(PRIO_PROCESS, 1, 19));
    refused("setpriority(PRIO_PGRP, 1)", setpriority(PRIO_PGRP, 1, 19));
    refused("sched_setaffinity(1)", sched_setaffinity(1, sizeof first, &first));
    refused("sched_setscheduler(1)", sched_setscheduler(1, SCHED_IDLE, &parameter));
    refused("sched_setparam(1)", sched_setparam(1, &parameter));
    refused("ioprio_set(1)", syscall(SYS_ioprio_set, 1, 1, 3 << 13));

    (void)setpriority(PRIO_USER, getuid(), 19);
    (void)setpriority(PRIO_PGRP, 0, 19);
    (void)syscall(SYS_ioprio_set, 3, getuid(), 3 << 13);
    if (readable && getpriority(PRIO_PROCESS, 1) != nice_before)
        escaped("PID 1 has nice %d now, %d before", getpriority(PRIO_PROCESS, 1), nice_before);
    return 0;
}
