// SPDX-License-Identifier: Apache-2.0
/* Trap: files of proc and sys that are not namespaced tell about the host.
 * Does: reads each; a mask is an empty file, an empty directory, or nothing at all.
 * Observe: exit 0. */
#include "hostile.h"

int main(void)
{
    only_confined();
    static const char *const paths[] = {
        "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/timer_stats",
        "/proc/sched_debug", "/proc/latency_stats", "/proc/acpi", "/proc/asound", "/proc/scsi",
        "/proc/kmsg", "/proc/kpagecount", "/proc/slabinfo", "/proc/vmallocinfo", "/sys/firmware",
        "/sys/kernel", "/sys/fs/cgroup", "/sys/devices",
    };
    char byte;
    for (size_t i = 0; i < COUNT(paths); i++) {
        struct stat status;
        int fd = open(paths[i], O_RDONLY | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &status) < 0) continue;
        if (S_ISDIR(status.st_mode)) {
            DIR *directory = fdopendir(fd);
            if (directory == NULL) broken("%s", paths[i]);
            errno = 0;
            for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
                if (entry->d_name[0] != '.') escaped("%s holds %s", paths[i], entry->d_name);
            closedir(directory);
        } else {
            if (read(fd, &byte, 1) > 0) escaped("%s can be read", paths[i]);
            close(fd);
        }
    }
    return 0;
}
