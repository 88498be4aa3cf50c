// SPDX-License-Identifier: Apache-2.0
/* Trap: state that execve hands down and nobody thought of.
 * Does: looks at umask, working directory (/w), nice, policy, affinity, session, controlling
 * terminal, parent, timers, personality.
 * Observe: exit 0. */
#include "hostile.h"
#include <sched.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/time.h>

int main(void)
{
    only_confined();
    mode_t mask = umask(0);
    errno = 0;
    if (mask != 0) escaped("umask is %o", mask);
    char directory[PATH_MAX];
    if (getcwd(directory, sizeof directory) == NULL || strcmp(directory, "/w") != 0)
        escaped("the working directory is %s", directory);
    if (getpriority(PRIO_PROCESS, 0) != 0) escaped("nice is %d", getpriority(PRIO_PROCESS, 0));
    if (sched_getscheduler(0) != SCHED_OTHER) escaped("policy is %d", sched_getscheduler(0));
    cpu_set_t cpus, cpus_of_init;
    must("sched_getaffinity", sched_getaffinity(0, sizeof cpus, &cpus));
    if (sched_getaffinity(1, sizeof cpus_of_init, &cpus_of_init) >= 0
        && CPU_COUNT(&cpus) < CPU_COUNT(&cpus_of_init))
        escaped("only %d processors", CPU_COUNT(&cpus));
    if (getsid(0) != getpid()) escaped("the session is %d", (int)getsid(0));
    if (getppid() != 1 && getppid() != 0) escaped("the parent is %d", (int)getppid());
    refused("/dev/tty", open("/dev/tty", O_RDWR));
    struct itimerval timer;
    for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++) {
        must("getitimer", getitimer(which, &timer));
        if (timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0) escaped("timer %d", which);
    }
    if (personality(0xffffffff) != 0) escaped("personality is %#x", personality(0xffffffff));
    int death = 0;
    must("PR_GET_PDEATHSIG", prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0));
    if (death != 0) escaped("parent death signal %d", death);
    int subreaper = 0;
    must("PR_GET_CHILD_SUBREAPER", prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0));
    if (subreaper != 0) escaped("is a subreaper");
    return 0;
}
