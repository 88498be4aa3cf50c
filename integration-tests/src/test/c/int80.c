// SPDX-License-Identifier: Apache-2.0
/* Trap: on x86-64 int 0x80 reaches the 32-bit system calls, whose numbers mean something else
 * to a filter that looks at the number alone.
 * Does: the 32-bit getpid (20, which is writev on x86-64) in a child.
 * Observe: exit 0: the call fails as where the kernel has none of them. */
#include "hostile.h"

#if defined(__x86_64__)
static void deed(void)
{
    long result = 20;
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory");
    _exit(result == getpid() ? 1 : 0);
}
#else
static void deed(void) {}
#endif

int main(void)
{
    only_confined();
    int status = status_of(deed);
    if (gave_up(status)) escaped("int 0x80 works");
    return 0;
}
