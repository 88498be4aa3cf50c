// SPDX-License-Identifier: Apache-2.0
/* Trap: an input that is a file or an unsealed memfd can be reopened through /proc/self/fd/0
 * and rewritten: the next run, or the checker, reads something else.
 * Does: reads its input; then reopens it for writing, truncates, writes, maps it shared,
 * unseals.
 * Observe: exit 0; the harness finds the input unchanged. A pipe is contained by its nature. */
#include "hostile.h"
#include <sys/mman.h>

int main(void)
{
    only_confined();
    struct stat before, after;
    must("fstat", fstat(0, &before));
    if (!S_ISREG(before.st_mode)) return 0;
    char first[64] = {0}, again[64] = {0};
    must("pread", pread(0, first, sizeof first, 0));
    (void)!pwrite(0, "hostile", 7, 0);
    (void)!ftruncate(0, 0);
    (void)fchmod(0, 0777);
    (void)!truncate("/proc/self/fd/0", 0);
    int fd = open("/proc/self/fd/0", O_RDWR);
    if (fd >= 0) {
        (void)!pwrite(fd, "hostile", 7, 0);
        (void)!ftruncate(fd, 0);
        (void)!fallocate(fd, 3 /* punch a hole, keep the size */, 0, 4096);
        char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory != MAP_FAILED && before.st_size > 0) memory[0] ^= 1;
    }
    must("fstat", fstat(0, &after));
    must("pread", pread(0, again, sizeof again, 0));
    errno = 0;
    if (after.st_size != before.st_size || memcmp(first, again, sizeof first) != 0)
        escaped("the input is another now");
    return 0;
}
