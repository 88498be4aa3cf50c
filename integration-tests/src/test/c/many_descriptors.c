// SPDX-License-Identifier: Apache-2.0
/* Trap: open descriptors pin files, file systems and the kernel's memory.
 * Does: opens files in the working directory until it may not, up to 1,000, and unlinks them.
 * Observe: exit 0; reset works. */
#include "hostile.h"

int main(void)
{
    only_confined();
    int opened = 0;
    for (; opened < 1000; opened++) {
        if (open("victim", O_CREAT | O_EXCL | O_RDWR, 0600) < 0) break;
        must("unlink", unlink("victim"));
    }
    printf("%d descriptors\n", opened);
    return 0;
}
