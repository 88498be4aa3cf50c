// SPDX-License-Identifier: Apache-2.0
/* Trap: stopped processes do not die of a polite signal.
 * Does: leaves ten children behind that stopped themselves.
 * Observe: exit 0; afterwards no process but PID 1. */
#include "hostile.h"

int main(void)
{
    only_confined();
    for (int i = 0; i < 10; i++)
        if (must("fork", fork()) == 0) {
            raise(SIGSTOP);
            for (;;) pause();
        }
    for (int i = 0; i < 10; i++) must("waitpid", waitpid(-1, NULL, WUNTRACED));
    return 0;
}
