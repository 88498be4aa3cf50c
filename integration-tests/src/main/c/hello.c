// SPDX-License-Identifier: Apache-2.0
/* What a first-time user submits.
 *
 *     cc -O2 -Wall -Wextra -o hello hello.c
 */
#include <stdio.h>

int main(void)
{
    puts("hello, world");
    return 0;
}
