// SPDX-License-Identifier: Apache-2.0
/* Trap: a parent in vfork waits uninterruptibly for a child that never executes.
 * Does: just that.
 * Observe: does not return; must be killed by the wall limit, and the child with it. */
#include "hostile.h"

int main(void)
{
    only_confined();
    if (vfork() == 0)
        for (;;) pause();
    escaped("vfork returned");
}
