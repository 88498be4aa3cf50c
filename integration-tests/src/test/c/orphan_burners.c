// SPDX-License-Identifier: Apache-2.0
/* Trap: the rusage of a child misses what its orphans use.
 * Does: two orphans in sessions of their own burn CPU time for ever; the first process ends
 * after 300 ms in which it used almost none.
 * Observe: exit 0; afterwards no process but PID 1, and where a cgroup counts, its CPU time is
 * reported. */
#include "hostile.h"

int main(void)
{
    only_confined();
    for (int i = 0; i < 2; i++) {
        if (must("fork", fork()) == 0) {
            setsid();
            if (must("fork", fork()) == 0)
                for (;;) burn(INT_MAX);
            _exit(0);
        }
        must("wait", wait(NULL));
    }
    pause_for_milliseconds(300);
    return 0;
}
