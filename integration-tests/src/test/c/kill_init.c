// SPDX-License-Identifier: Apache-2.0
/* Trap: signals to PID 1: a fatal one, one that stops it, one that it uses itself (SIGALRM,
 * SIGCHLD).
 * Does: sends all 64 by kill, tgkill and rt_sigqueueinfo.
 * Observe: exit 0 although the limits have a signal of their own; afterwards PID 1 answers. */
#include "hostile.h"

int main(void)
{
    only_confined();
    for (int number = 1; number <= 64; number++) {
        siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE, .si_pid = getpid()};
        (void)kill(1, number);
        (void)syscall(SYS_tgkill, 1, 1, number);
        (void)syscall(SYS_rt_sigqueueinfo, 1, number, &info);
    }
    if (kill(1, 0) < 0 && errno == ESRCH) escaped("PID 1 is gone");
    pause_for_milliseconds(100);
    return 0;
}
