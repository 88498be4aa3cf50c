// SPDX-License-Identifier: Apache-2.0
/* Trap: waiting for end of file on standard output, or for one pid.
 * Does: forks twice, leaves the session, keeps the standard streams, ignores every signal it
 * can and stays; the first process ends at once.
 * Observe: exit 0 within a second; afterwards no process but PID 1. */
#include "hostile.h"

int main(void)
{
    only_confined();
    int told[2];
    char byte;
    must("pipe", pipe(told));
    if (must("fork", fork()) == 0) {
        must("setsid", setsid());
        if (must("fork", fork()) == 0) {
            for (int number = 1; number <= 64; number++) signal(number, SIG_IGN);
            must("write", write(told[1], "", 1));
            for (;;) pause();
        }
        _exit(0);
    }
    must("read", read(told[0], &byte, 1));
    return 0;
}
