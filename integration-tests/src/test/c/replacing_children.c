// SPDX-License-Identifier: Apache-2.0
/* Trap: a process that is always just being replaced by its child outruns a list of pids.
 * Does: forks, the parent exits, the child does the same, without end; three chains.
 * Observe: exit 0 of the first process; afterwards no process but PID 1. */
#include "hostile.h"

int main(void)
{
    only_confined();
    for (int i = 0; i < 3; i++)
        if (must("fork", fork()) == 0)
            for (;;)
                if (fork() > 0) _exit(0);
    pause_for_milliseconds(50);
    return 0;
}
