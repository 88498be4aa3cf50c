// SPDX-License-Identifier: Apache-2.0
/* Trap: none for us; the commonest crash of all must have its true verdict.
 * Does: recursion without end.
 * Observe: killed by signal 11. */
#include "hostile.h"

static int deeper(volatile int level)
{
    volatile char frame[1024];
    frame[0] = (char)level;
    return level == INT_MAX ? 0 : deeper(level + 1) + frame[0];
}

int main(void)
{
    only_confined();
    return deeper(1);
}
