// SPDX-License-Identifier: Apache-2.0
/* Trap: the command line in /proc/PID/cmdline is the program's memory; whoever reads it waits
 * for the program's page faults and its size.
 * Does: executes itself with 100 KiB of arguments full of newlines and control characters;
 * leaves a child that shows them.
 * Observe: exit 0; afterwards no process but PID 1. */
#include "hostile.h"

int main(int count, char **arguments)
{
    only_confined();
    if (count > 1) {
        if (strlen(arguments[1]) != 100000) broken("argument of %zu bytes", strlen(arguments[1]));
        if (must("fork", fork()) == 0)
            for (;;) pause();
        return 0;
    }
    static char argument[100001];
    for (size_t i = 0; i < sizeof argument - 1; i++) argument[i] = (char)(1 + i % 31);
    char *const next[] = {"\n) Z 0", argument, NULL};
    execv("/proc/self/exe", next);
    broken("execv");
}
