// SPDX-License-Identifier: Apache-2.0
/* Trap: a child that traces its parent keeps the parent's zombie: wait4 in PID 1 does not
 * return.
 * Does: the child attaches to the parent, lets it run and never waits; the parent exits.
 * Observe: exit 0 within a second, whether tracing is forbidden or not; no process but PID 1. */
#include "hostile.h"
#include <sys/ptrace.h>

int main(void)
{
    only_confined();
    int told[2];
    char byte;
    must("pipe", pipe(told));
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    if (must("fork", fork()) == 0) {
        (void)ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
        must("write", write(told[1], "", 1));
        for (;;) pause();
    }
    must("read", read(told[0], &byte, 1));
    return 0;
}
