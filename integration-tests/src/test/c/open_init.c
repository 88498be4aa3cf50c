// SPDX-License-Identifier: Apache-2.0
/* Trap: /proc/1 is a door: its memory, its descriptors, its root and working directory.
 * Does: opens each of them for reading, and what can be written for writing.
 * Observe: exit 0. */
#include "hostile.h"

int main(void)
{
    only_confined();
    static const char *const secret[] = {
        "mem", "environ", "maps", "smaps", "pagemap", "auxv", "io", "stack", "syscall", "fd",
        "fdinfo",
        "map_files", "root", "root/etc", "cwd", "cwd/.", "exe", "personality", "ns/user", "ns/mnt",
        "ns/pid", "ns/net", "ns/ipc", "ns/uts", "ns/cgroup", "fd/0", "fd/3",
    };
    static const char *const writable[] = {
        "mem", "oom_score_adj", "oom_adj", "uid_map", "gid_map", "setgroups", "projid_map", "comm",
        "coredump_filter", "clear_refs", "sched", "autogroup", "loginuid", "timens_offsets",
        "attr/current", "attr/exec",
    };
    char path[64], byte;
    for (size_t i = 0; i < COUNT(secret); i++) {
        snprintf(path, sizeof path, "/proc/1/%s", secret[i]);
        int fd = open(path, O_RDONLY | O_NONBLOCK);
        /* Some can be opened by anyone; what counts is what they tell. */
        if (fd >= 0 && (read(fd, &byte, 1) > 0 || errno == EISDIR)) escaped("%s is open", path);
    }
    for (size_t i = 0; i < COUNT(writable); i++) {
        snprintf(path, sizeof path, "/proc/1/%s", writable[i]);
        refused(path, open(path, O_WRONLY));
    }
    return 0;
}
