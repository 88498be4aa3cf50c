// SPDX-License-Identifier: Apache-2.0
/* The smallest program there is: no C library, nothing but exit(0), so that what remains of an exec
 * is the kernel's work and ours.
 *
 *     cc -O2 -Wall -Wextra -static -nostdlib -ffreestanding -o true-nolibc true-nolibc.c
 */
#include <asm/unistd.h>

_Noreturn void _start(void);

void _start(void)
{
#if defined(__x86_64__)
    __asm__ volatile("syscall" : : "a"(__NR_exit_group), "D"(0) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = __NR_exit_group;
    register long x0 __asm__("x0") = 0;
    __asm__ volatile("svc #0" : : "r"(x8), "r"(x0) : "memory");
#else
#error "x86-64 and aarch64 only"
#endif
    __builtin_unreachable();
}
