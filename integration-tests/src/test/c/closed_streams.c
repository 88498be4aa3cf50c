// SPDX-License-Identifier: Apache-2.0
/* Trap: end of file on the streams is not the end of the program.
 * Does: closes 0, 1 and 2, opens something else there, lives another 300 ms.
 * Observe: exit 9, not before 300 ms. */
#include "hostile.h"

int main(void)
{
    only_confined();
    for (int fd = 0; fd <= 2; fd++) close(fd);
    (void)!open("/proc/self/mem", O_RDWR);
    pause_for_milliseconds(300);
    return 9;
}
