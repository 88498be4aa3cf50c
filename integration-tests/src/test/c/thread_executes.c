// SPDX-License-Identifier: Apache-2.0
/* Trap: execve in another thread than the first: that thread takes the process's pid.
 * Does: a second thread executes this program again while the first one waits.
 * Observe: exit 8, the code of the second incarnation. */
#include "hostile.h"
#include <pthread.h>

static void *execute(void *unused)
{
    char *const arguments[] = {"thread_executes", "again", NULL};
    execv("/proc/self/exe", arguments);
    _exit(2);
    return unused;
}

int main(int count, char **arguments)
{
    only_confined();
    pthread_t thread;
    if (is_mode(count, arguments, "again")) return 8;
    if (pthread_create(&thread, NULL, execute, NULL) != 0) broken("pthread_create");
    for (;;) pause();
}
