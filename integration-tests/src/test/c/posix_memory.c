// SPDX-License-Identifier: Apache-2.0
/* Trap: POSIX shared memory is a file on a tmpfs that a reset may not know.
 * Does: leaves an object, and files wherever else it can: /dev/shm, /run, /var/tmp, /dev; with
 * the argument find, looks for them.
 * Observe: exit 0; after a reset, exit 0 with find. */
#include "hostile.h"

int main(int count, char **arguments)
{
    only_confined();
    static const char *const places[] = {"/dev/shm", "/dev/mqueue", "/dev", "/run", "/run/lock",
                                         "/var/tmp", "/var/run", "/", "/etc", "/home", "/root",
                                         "/mnt"};
    char path[64];
    for (size_t i = 0; i < COUNT(places); i++) {
        snprintf(path, sizeof path, "%s/hostile", places[i]);
        if (is_mode(count, arguments, "find")) {
            refused(path, access(path, F_OK));
        } else {
            int fd = open(path, O_RDWR | O_CREAT, 0666);
            if (fd >= 0) must("write", write(fd, "left behind", 11));
        }
    }
    return 0;
}
