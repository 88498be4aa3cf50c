// SPDX-License-Identifier: Apache-2.0
/* Trap: the name in /proc/PID/stat is the program's to choose and may hold a parenthesis.
 * Does: names itself so that a careless parser reads another state, parent and session, and
 * leaves a child of that name behind; others have newlines and invalid UTF-8.
 * Observe: exit 0; afterwards no process but PID 1. */
#include "hostile.h"

int main(void)
{
    only_confined();
    static const char *const names[] = {") Z 0 0 0 0", "a) R 1 1 1", "\n(x)\n", "\xff\xfe\x80", ""};
    for (size_t i = 0; i < COUNT(names); i++)
        if (must("fork", fork()) == 0) {
            prctl(PR_SET_NAME, names[i], 0, 0, 0);
            for (;;) pause();
        }
    prctl(PR_SET_NAME, ") X 1 ", 0, 0, 0);
    pause_for_milliseconds(20);
    return 0;
}
