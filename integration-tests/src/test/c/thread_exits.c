// SPDX-License-Identifier: Apache-2.0
/* Trap: another thread than the first ends the process, while still others run.
 * Does: starts threads up to the limit, and the last one exits for all.
 * Observe: exit 7. */
#include "hostile.h"
#include <pthread.h>

static void *stay(void *unused)
{
    for (;;) pause();
    return unused;
}

static void *finish(void *unused)
{
    _exit(7);
    return unused;
}

int main(void)
{
    only_confined();
    pthread_attr_t small;
    pthread_t thread;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    for (int i = 0; i < 20; i++)
        if (pthread_create(&thread, &small, stay, NULL) != 0) break;
    if (pthread_create(&thread, &small, finish, NULL) != 0) broken("pthread_create");
    for (;;) pause();
}
