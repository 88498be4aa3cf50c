// SPDX-License-Identifier: Apache-2.0
/* Trap: recursive deletion with a descriptor or a frame per level; paths longer than PATH_MAX.
 * Does: 10,000 directories in one another, each with a long name and a file beside it.
 * Observe: exit 0; reset within its deadline, then the directory is empty. */
#include "hostile.h"

int main(void)
{
    only_confined();
    char name[201];
    memset(name, 'd', 200);
    name[200] = 0;
    int depth = 0;
    for (; depth < 10000; depth++) {
        int fd = open("f", O_CREAT | O_WRONLY, 0600);
        if (fd < 0 || mkdir(name, 0700) < 0 || chdir(name) < 0) break;
        close(fd);
    }
    printf("%d levels\n", depth);
    if (depth < 1000) broken("only %d levels", depth);
    return 0;
}
