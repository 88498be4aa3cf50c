// SPDX-License-Identifier: Apache-2.0
/* Trap: a reset that only deletes files leaves mode, times, ACL, extended attributes of the
 * working directory itself: a channel to the next run, or a way to lock it out.
 * Does: marks /w and /tmp in all these ways and locks them; with the argument find, looks for
 * marks.
 * Observe: exit 0; after a reset, exit 0 with find. */
#include "hostile.h"
#include <sys/xattr.h>

enum { MODE = 0311 };

int main(int count, char **arguments)
{
    only_confined();
    static const char *const roots[] = {"/w", "/tmp"};
    for (size_t i = 0; i < COUNT(roots); i++) {
        struct stat status;
        char names[256];
        if (is_mode(count, arguments, "find")) {
            must("stat", stat(roots[i], &status));
            errno = 0;
            if ((status.st_mode & 07777) == MODE) escaped("%s has its mode still", roots[i]);
            if (status.st_mtime == 1) escaped("%s has its time still", roots[i]);
            if (listxattr(roots[i], names, sizeof names) > 0) escaped("%s has %s", roots[i], names);
            if (access(roots[i], W_OK | X_OK) < 0) escaped("%s is locked", roots[i]);
            continue;
        }
        /* version 2; user::rwx, user 1234:rwx, group::---, mask::rwx, other::--- */
        static const uint16_t acl[] = {2, 0, 1, 7, 0xffff, 0xffff, 2, 7, 1234, 0, 4, 0, 0xffff,
                                       0xffff,
                                       16, 7, 0xffff, 0xffff, 32, 0, 0xffff, 0xffff};
        struct timespec first[2] = {{1, 0}, {1, 0}};
        (void)setxattr(roots[i], "user.hostile", "left behind", 11, 0);
        (void)setxattr(roots[i], "system.posix_acl_access", acl, sizeof acl, 0);
        (void)setxattr(roots[i], "system.posix_acl_default", acl, sizeof acl, 0);
        (void)utimensat(AT_FDCWD, roots[i], first, 0);
        (void)!chown(roots[i], (uid_t)-1, getgid());
        (void)chmod(roots[i], MODE);
    }
    return 0;
}
