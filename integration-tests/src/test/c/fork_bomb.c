// SPDX-License-Identifier: Apache-2.0
/* Trap: processes double faster than anybody can kill them one by one.
 * Does: forks for ever; each process leaves its session.
 * Observe: does not return; must be killed by the wall limit; afterwards no process but PID 1.
 * Needs a process limit. */
#include "hostile.h"

int main(void)
{
    only_confined();
    for (;;)
        if (fork() == 0)
            setsid();
        else
            usleep(100);
}
