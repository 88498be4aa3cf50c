// SPDX-License-Identifier: Apache-2.0
/* Trap: a child of a JVM starts with SIGQUIT blocked and signals 32 and 33 ignored, plus
 * whatever PID 1 ignores; then a program that is sent such a signal does not die of it.
 * Does: looks at all 64 dispositions by the raw system call (the library hides two), at the
 * mask, at pending signals and at the alternate stack.
 * Observe: exit 0. */
#include "hostile.h"

struct kernel_sigaction {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
};

int main(void)
{
    only_confined();
    for (int number = 1; number <= 64; number++) {
        struct kernel_sigaction action = {0};
        must("rt_sigaction", syscall(SYS_rt_sigaction, number, NULL, &action, 8));
        if (action.handler != NULL) escaped("signal %d has disposition %p", number, action.handler);
    }
    uint64_t set = 0;
    must("rt_sigprocmask", syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &set, 8));
    if (set != 0) escaped("blocked: %llx", (unsigned long long)set);
    must("rt_sigpending", syscall(SYS_rt_sigpending, &set, 8));
    if (set != 0) escaped("pending: %llx", (unsigned long long)set);
    stack_t stack;
    must("sigaltstack", sigaltstack(NULL, &stack));
    if (!(stack.ss_flags & SS_DISABLE)) escaped("there is an alternate signal stack");
    return 0;
}
