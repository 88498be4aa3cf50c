// SPDX-License-Identifier: Apache-2.0
/* Trap: a bind mount that is writable after all, or writable below a submount.
 * Does: writes to, creates, removes, renames, changes and links the host's files; also writes
 * to the container's root.
 * Observe: exit 0; the host's files are as before. */
#include "hostile.h"

int main(void)
{
    only_confined();
    static const char *const directories[] = {"/", "/usr", "/usr/bin", "/usr/lib", "/etc", "/dev",
                                              "/proc", "/sys", "/bin", "/lib", "/opt",
                                              "/etc/alternatives"};
    static const char *const files[] = {"/usr/bin/env", "/usr/bin/sh", "/etc/passwd",
                                        "/etc/ld.so.cache"};
    char path[64];
    for (size_t i = 0; i < COUNT(directories); i++) {
        snprintf(path, sizeof path, "%s/hostile", directories[i]);
        refused(path, open(path, O_CREAT | O_WRONLY, 0666));
        refused(path, mkdir(path, 0777));
        refused(path, symlink("hostile", path));
        refused(directories[i], utimensat(AT_FDCWD, directories[i], NULL, 0));
    }
    for (size_t i = 0; i < COUNT(files); i++) {
        refused(files[i], open(files[i], O_WRONLY | O_APPEND));
        refused(files[i], unlink(files[i]));
        refused(files[i], rename(files[i], "/usr/bin/hostile"));
        refused(files[i], chmod(files[i], 0777));
        refused(files[i], link(files[i], "hostile"));
        refused(files[i], truncate(files[i], LONG_MAX));
    }
    return 0;
}
