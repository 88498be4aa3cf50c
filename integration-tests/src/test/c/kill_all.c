// SPDX-License-Identifier: Apache-2.0
/* Trap: kill(-1) reaches whatever runs beside the program under the same ids.
 * Does: starts some children, then kills everything it may; kill(-1) spares the caller and PID
 * 1.
 * Observe: exit 0; afterwards PID 1 answers. */
#include "hostile.h"

int main(void)
{
    only_confined();
    for (int i = 0; i < 5; i++)
        if (must("fork", fork()) == 0)
            for (;;) pause();
    must("kill(-1)", kill(-1, SIGKILL));
    int status, dead = 0;
    while (wait(&status) > 0) dead += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (dead != 5) broken("%d of 5 children died", dead);
    return 0;
}
