// SPDX-License-Identifier: Apache-2.0
/* Trap: a sparse file of 4 EiB costs the program nothing and its reader everything.
 * Does: leaves `output` as large as it may be made, with one byte at its end.
 * Observe: exit 0; collecting output stops at its bound. */
#include "hostile.h"

int main(void)
{
    only_confined();
    signal(SIGXFSZ, SIG_IGN);
    int fd = (int)must("create", open("output", O_CREAT | O_RDWR, 0666));
    long long size = LLONG_MAX - 4096;
    while (size > 0 && ftruncate(fd, size) < 0) size /= 2;
    if (size == 0) broken("ftruncate");
    (void)!pwrite(fd, "x", 1, size - 1);
    printf("%lld bytes\n", size);
    return 0;
}
