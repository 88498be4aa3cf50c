// SPDX-License-Identifier: Apache-2.0
/* Trap: guessing the verdict from the signal. SIGKILL, SIGXCPU, SIGXFSZ and SIGSYS may be the
 * program's own; SIGTERM and SIGQUIT must work although a JVM is somewhere above.
 * Does: sends itself the signal given as its argument; SIGSTOP stops it for good.
 * Observe: killed by that signal and by nothing of ours: no limit fired; with SIGSTOP it does
 * not return and must be killed by the wall limit. */
#include "hostile.h"

int main(int count, char **arguments)
{
    only_confined();
    int number = count > 1 ? atoi(arguments[1]) : 0;
    if (number < 1 || number > 64) broken("needs the number of a signal");
    must("kill", kill(getpid(), number));
    pause_for_milliseconds(200);
    escaped("survived signal %d", number);
}
