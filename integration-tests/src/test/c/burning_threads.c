// SPDX-License-Identifier: Apache-2.0
/* Trap: CPU time is the sum over all threads, and the thread that is looked at may be idle.
 * Does: four threads burn CPU time, the first one sleeps.
 * Observe: does not return; a CPU limit of a second fires well before the wall limit. */
#include "hostile.h"
#include <pthread.h>

static void *work(void *unused)
{
    for (;;) burn(INT_MAX);
    return unused;
}

int main(void)
{
    only_confined();
    pthread_t thread;
    for (int i = 0; i < 4; i++)
        if (pthread_create(&thread, NULL, work, NULL) != 0) broken("pthread_create");
    for (;;) pause();
}
