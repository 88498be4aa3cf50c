// SPDX-License-Identifier: Apache-2.0
/* Trap: peak memory includes page cache, which is reclaimed before anything else: reading a
 * library tree under a small memory limit is not too much memory.
 * Does: reads up to 200 MiB of the files below /usr/lib and /usr/bin.
 * Observe: exit 0, no memory limit, under a limit of 64 MiB. */
#include "hostile.h"
#include <ftw.h>

static long long total;
static char block[1 << 16];

static int visit(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)where;
    if (type != FTW_F || !S_ISREG(status->st_mode)) return 0;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return 0;
    for (ssize_t length; (length = read(fd, block, sizeof block)) > 0;) total += length;
    close(fd);
    return total > 200LL << 20;
}

int main(void)
{
    only_confined();
    if (nftw("/usr/lib", visit, 16, FTW_PHYS) == 0) nftw("/usr/bin", visit, 16, FTW_PHYS);
    printf("%lld bytes\n", total);
    return 0;
}
