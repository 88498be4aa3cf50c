// SPDX-License-Identifier: Apache-2.0
/* Trap: zombies that nobody reaps use up the process limit of the next run.
 * Does: makes as many zombies as it may, up to 500, and orphans among them.
 * Observe: exit 0; afterwards no process but PID 1, not even a dead one. */
#include "hostile.h"

int main(void)
{
    only_confined();
    int made = 0;
    for (; made < 500; made++) {
        pid_t child = fork();
        if (child < 0) break;
        if (child == 0) {
            (void)!fork();
            _exit(0);
        }
    }
    if (made < 2) broken("only %d children", made);
    pause_for_milliseconds(50);
    return 0;
}
