// SPDX-License-Identifier: Apache-2.0
/* Trap: a descriptor of the supervisor or of PID 1 leaks into the program.
 * Does: lists /proc/self/fd and also tries every number below 65536.
 * Observe: exit 0: only 0, 1 and 2 are open, and none of them is a directory. */
#include "hostile.h"

int main(void)
{
    only_confined();
    for (int fd = 0; fd < 65536; fd++) {
        int open = fcntl(fd, F_GETFD) >= 0;
        if (open && fd > 2) escaped("descriptor %d is open", fd);
        if (!open && fd <= 2) escaped("descriptor %d is closed", fd);
    }
    struct stat status;
    for (int fd = 0; fd <= 2; fd++)
        if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) escaped("%d is a directory", fd);
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) broken("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (atoi(entry->d_name) > 2 && atoi(entry->d_name) != dirfd(directory))
            escaped("descriptor %s is listed", entry->d_name);
    return 0;
}
