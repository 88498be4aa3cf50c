// SPDX-License-Identifier: Apache-2.0
/* Trap: memory that is mapped and touched until there is no more.
 * Does: just that, 1 MiB at a time.
 * Observe: exit 3 under an address-space limit, as mmap fails; signal 9 under a memory cgroup. */
#include "hostile.h"
#include <sys/mman.h>

int main(void)
{
    only_confined();
    for (long taken = 0; taken < 2048; taken++) {
        char *block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                           0);
        if (block == MAP_FAILED) return 3;
        for (size_t i = 0; i < 1 << 20; i += 4096) *(volatile char *)(block + i) = 1;
    }
    errno = 0;
    escaped("2 GiB are mine");
}
