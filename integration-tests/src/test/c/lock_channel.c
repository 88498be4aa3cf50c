// SPDX-License-Identifier: Apache-2.0
/* Trap: flock on a file that all containers share read-only is a covert channel between them.
 * Does: locks executables and libraries of the host exclusively, by flock and by a lease.
 * Observe: exit 0 in any case; standard output says whether the channel is open. */
#include "hostile.h"
#include <sys/file.h>

int main(void)
{
    only_confined();
    static const char *const shared[] = {"/usr/bin/env", "/usr/bin/ls", "/usr/bin", "/dev/null"};
    for (size_t i = 0; i < COUNT(shared); i++) {
        int fd = open(shared[i], O_RDONLY);
        if (fd < 0) continue;
        printf("flock %s: %s\n", shared[i], flock(fd, LOCK_EX | LOCK_NB) == 0 ? "open" : "closed");
        int lease = fcntl(fd, F_SETLEASE, F_RDLCK);
        printf("lease %s: %s\n", shared[i], lease == 0 ? "open" : "closed");
    }
    return 0;
}
