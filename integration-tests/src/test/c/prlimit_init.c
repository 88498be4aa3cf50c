// SPDX-License-Identifier: Apache-2.0
/* Trap: a program that shares a host uid with PID 1 may lower PID 1's hard limits without any
 * capability, which spoils a pooled container for good.
 * Does: prlimit(1) to zero for every resource, and reads every limit.
 * Observe: exit 0; afterwards PID 1's limits are as before. */
#include "hostile.h"
#include <sys/resource.h>

int main(void)
{
    only_confined();
    for (int resource = 0; resource < 16; resource++) {
        struct rlimit64 none = {0, 0};
        refused("prlimit(1), setting", syscall(SYS_prlimit64, 1, resource, &none, NULL));
    }
    return 0;
}
