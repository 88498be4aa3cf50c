// SPDX-License-Identifier: Apache-2.0
/* Trap: /proc shows the host's processes, or those of an earlier run.
 * Does: lists the processes, and asks for every pid up to 4096 by signal 0.
 * Observe: exit 0: only PID 1 and the program itself. */
#include "hostile.h"

int main(void)
{
    only_confined();
    DIR *directory = opendir("/proc");
    if (directory == NULL) broken("/proc");
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        int pid = atoi(entry->d_name);
        if (pid > 1 && pid != getpid()) escaped("there is a process %d", pid);
    }
    for (int pid = 2; pid <= 4096; pid++)
        if (pid != getpid() && (kill(pid, 0) == 0 || errno == EPERM)) escaped("process %d", pid);
    return 0;
}
