// SPDX-License-Identifier: Apache-2.0
/* Trap: a set-user-ID executable gives its owner's rights.
 * Does: copies itself, tries to give the copy to root, marks it set-user-ID and set-group-ID
 * and executes it; looks whether the system's own set-user-ID programs belong to it.
 * Observe: exit 0. */
#include "hostile.h"
#include <sys/sendfile.h>

int main(int count, char **arguments)
{
    only_confined();
    if (is_mode(count, arguments, "copy")) {
        if (geteuid() != getuid() || getegid() != getgid()) escaped("euid %d", (int)geteuid());
        return 0;
    }
    int from = (int)must("open", open("/proc/self/exe", O_RDONLY));
    int to = (int)must("create", open("copy", O_WRONLY | O_CREAT | O_EXCL, 0755));
    while (must("sendfile", sendfile(to, from, NULL, 1 << 20)) > 0) continue;
    if (getuid() != 0) refused("chown to root", chown("copy", 0, 0));
    must("fchmod", fchmod(to, 06755));
    must("close", close(to));
    int status;
    if (must("fork", fork()) == 0) {
        execl("./copy", "copy", "copy", NULL);
        _exit(2);
    }
    must("wait", wait(&status));
    if (status != 0) escaped("the copy ended with %#x", status);
    struct stat marked;
    static const char *const theirs[] = {"/usr/bin/su", "/usr/bin/passwd", "/usr/bin/mount"};
    for (size_t i = 0; i < COUNT(theirs); i++)
        if (stat(theirs[i], &marked) == 0 && marked.st_uid == getuid() && getuid() != 0)
            escaped("%s belongs to the program", theirs[i]);
    return 0;
}
