// SPDX-License-Identifier: Apache-2.0
/* Trap: the first thread ends, the process does not; it looks like a zombie and still runs.
 * Does: a second thread loops, the first one ends alone.
 * Observe: does not return; must be killed by the wall limit. */
#include "hostile.h"
#include <pthread.h>

static void *stay(void *unused)
{
    for (;;) pause();
    return unused;
}

int main(void)
{
    only_confined();
    pthread_t thread;
    if (pthread_create(&thread, NULL, stay, NULL) != 0) broken("pthread_create");
    syscall(SYS_exit, 0);
    return 1;
}
