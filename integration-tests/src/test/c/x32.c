// SPDX-License-Identifier: Apache-2.0
/* Trap: on x86-64 the x32 calls have the same architecture and other numbers (bit 30).
 * Does: the x32 getpid and getuid in a child.
 * Observe: exit 0: the call fails as where the kernel has none of them. */
#include "hostile.h"

#if defined(__x86_64__)
static void deed(void)
{
    _exit(syscall(0x40000000 | SYS_getpid) >= 0 || syscall(0x40000000 | SYS_getuid) >= 0);
}
#else
static void deed(void) {}
#endif

int main(void)
{
    only_confined();
    int status = status_of(deed);
    if (gave_up(status)) escaped("x32 calls work");
    return 0;
}
