// SPDX-License-Identifier: Apache-2.0
/* Trap: deleting one by one takes seconds, listing them takes memory.
 * Does: makes 100,000 files in the working directory, or as many as it may.
 * Observe: exit 0; reset within its deadline, then the directory is empty. */
#include "hostile.h"

int main(void)
{
    only_confined();
    char name[16];
    int made = 0;
    for (; made < 100000; made++) {
        snprintf(name, sizeof name, "%d", made);
        int fd = open(name, O_CREAT | O_WRONLY, 0600);
        if (fd < 0) break;
        close(fd);
    }
    printf("%d files\n", made);
    if (made < 1000) broken("only %d files", made);
    return 0;
}
