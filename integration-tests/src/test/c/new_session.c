// SPDX-License-Identifier: Apache-2.0
/* Trap: killing a process group misses those who left it.
 * Does: children in groups and sessions of their own, one of them a subreaper with orphans.
 * Observe: exit 0; afterwards no process but PID 1. */
#include "hostile.h"

int main(void)
{
    only_confined();
    for (int i = 0; i < 4; i++)
        if (must("fork", fork()) == 0) {
            if (i % 2 == 0) setsid();
            else setpgid(0, 0);
            prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
            if (fork() == 0) (void)!fork();
            for (;;) pause();
        }
    pause_for_milliseconds(20);
    return 0;
}
