// SPDX-License-Identifier: Apache-2.0
/* Trap: the clock has no namespace.
 * Does: sets it to what it is, by every call; adjusts it by nothing.
 * Observe: exit 0; the host's clock is as before. */
#include "hostile.h"
#include <sys/time.h>
#include <sys/timex.h>

int main(void)
{
    only_confined();
    struct timespec time;
    struct timeval same;
    struct timex adjustment = {.modes = ADJ_TICK, .tick = 10000};
    clock_gettime(CLOCK_REALTIME, &time);
    gettimeofday(&same, NULL);
    forbidden("clock_settime", syscall(SYS_clock_settime, CLOCK_REALTIME, &time));
    forbidden("settimeofday", syscall(SYS_settimeofday, &same, NULL));
    forbidden("adjtimex", syscall(SYS_adjtimex, &adjustment));
    forbidden("clock_adjtime", syscall(SYS_clock_adjtime, CLOCK_REALTIME, &adjustment));
    return 0;
}
