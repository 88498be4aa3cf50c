// SPDX-License-Identifier: Apache-2.0
/* Trap: settings under /proc/sys and /sys belong to the host.
 * Does: opens every file below them for writing (nothing is written), sysrq-trigger too.
 * Observe: exit 0; the host's settings are as before. */
#include "hostile.h"
#include <ftw.h>

static int visit(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)where;
    if (type == FTW_F && S_ISREG(status->st_mode)) refused(path, open(path, O_WRONLY | O_NONBLOCK));
    return 0;
}

int main(void)
{
    only_confined();
    static const char *const files[] = {
        "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity", "/proc/mtrr", "/proc/kallsyms",
        "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hostname",
        "/proc/sys/kernel/ns_last_pid", "/proc/sys/net/ipv4/ip_forward",
        "/proc/sys/fs/mqueue/msg_max",
        "/proc/sys/user/max_user_namespaces", "/proc/self/uid_map", "/proc/self/setgroups",
    };
    for (size_t i = 0; i < COUNT(files); i++) refused(files[i], open(files[i], O_WRONLY));
    nftw("/proc/sys", visit, 16, FTW_PHYS | FTW_MOUNT);
    nftw("/sys", visit, 16, FTW_PHYS);
    return 0;
}
