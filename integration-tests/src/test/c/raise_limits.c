// SPDX-License-Identifier: Apache-2.0
/* Trap: soft limits without hard ones.
 * Does: raises every limit that is not unlimited, nice and real-time priority too.
 * Observe: exit 0. */
#include "hostile.h"
#include <sched.h>
#include <sys/resource.h>

int main(void)
{
    only_confined();
    for (int resource = 0; resource < 16; resource++) {
        struct rlimit limit;
        must("getrlimit", getrlimit(resource, &limit));
        if (limit.rlim_max == RLIM_INFINITY) continue;
        limit.rlim_max = RLIM_INFINITY;
        char what[32];
        snprintf(what, sizeof what, "limit %d", resource);
        refused(what, setrlimit(resource, &limit));
    }
    struct sched_param first = {.sched_priority = 1};
    refused("setpriority(-20)", setpriority(PRIO_PROCESS, 0, -20));
    refused("SCHED_FIFO", sched_setscheduler(0, SCHED_FIFO, &first));
    return 0;
}
