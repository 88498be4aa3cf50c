// SPDX-License-Identifier: Apache-2.0
/* Trap: files in a tmpfs are memory, and no limit of the process counts them.
 * Does: fills /w and /tmp, up to 1 GiB each.
 * Observe: exit 0: each was full before; reset gives the memory back. */
#include "hostile.h"

int main(void)
{
    only_confined();
    signal(SIGXFSZ, SIG_IGN);
    static const char *const roots[] = {"/w", "/tmp"};
    static char block[1 << 20];
    memset(block, 'x', sizeof block);
    for (size_t i = 0; i < COUNT(roots); i++) {
        long written = 0;
        for (int file = 0, full = 0; !full && file < 4096; file++) {
            char path[32];
            snprintf(path, sizeof path, "%s/fill%d", roots[i], file);
            int fd = open(path, O_CREAT | O_WRONLY, 0600);
            if (fd < 0) break;
            ssize_t last;
            while ((last = write(fd, block, sizeof block)) > 0 && written < 1L << 30)
                written += last;
            full = (last < 0 && errno == ENOSPC) || written >= 1L << 30;
            close(fd);
        }
        errno = 0;
        if (written >= 1L << 30) escaped("1 GiB in %s", roots[i]);
    }
    return 0;
}
