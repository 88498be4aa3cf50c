// SPDX-License-Identifier: Apache-2.0
/* Trap: children under an ignored SIGCHLD are reaped by the kernel and their CPU time is lost.
 * Does: two children burn 150 ms each.
 * Observe: exit 0; where a cgroup counts, at least 250 ms of CPU time are reported. */
#include "hostile.h"

int main(void)
{
    only_confined();
    signal(SIGCHLD, SIG_IGN);
    for (int i = 0; i < 2; i++)
        if (must("fork", fork()) == 0) {
            burn(150);
            _exit(0);
        }
    while (wait(NULL) > 0 || errno == EINTR) continue;
    return 0;
}
