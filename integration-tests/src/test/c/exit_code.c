// SPDX-License-Identifier: Apache-2.0
/* Trap: 128 + n is an ordinary exit code, not a signal.
 * Does: exits with its argument as the code.
 * Observe: that exit code, no signal, no limit. */
#include "hostile.h"

int main(int count, char **arguments)
{
    only_confined();
    if (count < 2) broken("needs an exit code");
    _exit(atoi(arguments[1]));
}
