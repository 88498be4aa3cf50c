// SPDX-License-Identifier: Apache-2.0
/* Trap: a limit whose signal can be ignored.
 * Does: blocks and ignores everything, SIGXCPU too, and uses CPU time for ever.
 * Observe: does not return; must be killed by the wall limit or by a CPU limit that does not
 * ask. */
#include "hostile.h"

int main(void)
{
    only_confined();
    sigset_t all;
    sigfillset(&all);
    for (int number = 1; number <= 64; number++) signal(number, SIG_IGN);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (;;) burn(INT_MAX);
}
