// SPDX-License-Identifier: Apache-2.0
/* Trap: a process that is always just being replaced by its child outruns a list of pids.
 * Does: forks, the parent exits, the child does the same, without end; three chains.
 * Observe: exit 0 of the first process; afterwards no process but PID 1. */
#include "hostile.h"

static void replace(void)
{
    for (;;)
        if (fork() > 0) _exit(0);
}

int main(void)
{
    only_confined();
    if (must("fork", fork()) == 0) replace();
    for (int i = 0; i < 2; i++)
        if (fork() == 0) replace(); /* unless the first one's zombies leave no room */
    pause_for_milliseconds(50);
    return 0;
}
