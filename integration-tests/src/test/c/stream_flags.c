// SPDX-License-Identifier: Apache-2.0
/* Trap: flags of an open file description are shared: what the program sets on its streams, the
 * supervisor gets.
 * Does: makes its streams non-blocking, asynchronous with signals to others, and a pipe
 * minimal.
 * Observe: exit 0; the harness reads on without an EAGAIN that it takes for an end. */
#include "hostile.h"

int main(void)
{
    only_confined();
    for (int fd = 0; fd <= 2; fd++) {
        (void)fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC | O_APPEND);
        (void)fcntl(fd, F_SETOWN, 1);
        (void)fcntl(fd, F_SETSIG, SIGKILL);
        (void)fcntl(fd, F_SETPIPE_SZ, 4096);
        (void)fcntl(fd, F_ADD_SEALS, 0xf);
    }
    printf("still here\n");
    return 0;
}
