// SPDX-License-Identifier: Apache-2.0
/* Trap: the environment of the worker leaks, or is changed on its way.
 * Does: compares its environment with its arguments: same entries, same order.
 * Observe: exit 0. */
#include "hostile.h"

extern char **environ;

int main(int count, char **arguments)
{
    only_confined();
    int i = 0;
    errno = 0;
    for (; environ[i] != NULL; i++) {
        if (i + 1 >= count) escaped("not expected: %s", environ[i]);
        if (strcmp(environ[i], arguments[i + 1]) != 0)
            escaped("%s instead of %s", environ[i], arguments[i + 1]);
    }
    if (i + 1 != count) escaped("missing: %s", arguments[i + 1]);
    return 0;
}
