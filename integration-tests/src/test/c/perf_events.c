// SPDX-License-Identifier: Apache-2.0
/* Trap: perf events measure the neighbours and are a large kernel surface.
 * Does: perf_event_open of a software counter, for itself and for all.
 * Observe: exit 0. */
#include "hostile.h"
#include <linux/perf_event.h>

int main(void)
{
    only_confined();
    struct perf_event_attr counter = {.type = PERF_TYPE_SOFTWARE, .size = sizeof counter,
                                      .config = PERF_COUNT_SW_CPU_CLOCK, .exclude_kernel = 1};
    forbidden("perf_event_open of itself", syscall(SYS_perf_event_open, &counter, 0, -1, -1, 0));
    forbidden("perf_event_open of all", syscall(SYS_perf_event_open, &counter, -1, 0, -1, 0));
    return 0;
}
