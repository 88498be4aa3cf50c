// SPDX-License-Identifier: Apache-2.0
/* Trap: output without end, to both streams.
 * Does: writes to standard output and standard error for ever.
 * Observe: ends by signal 25 when the streams are files under a file-size limit, by signal 13
 * or by the wall limit when they are pipes whose reader stops at its bound; never more than the
 * bound is collected. */
#include "hostile.h"

int main(void)
{
    only_confined();
    static char block[65536];
    memset(block, '.', sizeof block);
    for (;;) {
        (void)!write(1, block, sizeof block);
        (void)!write(2, block, sizeof block);
    }
}
