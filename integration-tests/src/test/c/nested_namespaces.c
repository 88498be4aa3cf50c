// SPDX-License-Identifier: Apache-2.0
/* Trap: pivot_root does not forbid nested user namespaces; in one the program has all
 * capabilities and much of the kernel opens to it.
 * Does: unshare, clone, clone3 and setns with every namespace flag, alone and with a user
 * namespace; each in a child.
 * Observe: exit 0. */
#include "hostile.h"
#include <linux/sched.h>
#include <sched.h>

static const unsigned long flags[] = {
    CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS,
    CLONE_NEWCGROUP, CLONE_NEWTIME,
};
static unsigned long flag;

static void by_unshare(void)
{
    refused("unshare", unshare((int)flag));
    refused("unshare with a user namespace", unshare((int)(flag | CLONE_NEWUSER)));
}

static void by_clone(void)
{
    if (flag == CLONE_NEWTIME) return; /* clone(2) takes its bit for a part of the exit signal */
    refused("clone", syscall(SYS_clone, flag | SIGCHLD, 0, 0, 0, 0));
    refused("clone with a user namespace",
            syscall(SYS_clone, flag | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

static void by_clone3(void)
{
    struct clone_args arguments = {.flags = flag, .exit_signal = SIGCHLD};
    refused("clone3", syscall(SYS_clone3, &arguments, sizeof arguments));
    arguments.flags |= CLONE_NEWUSER;
    refused("clone3 with a user namespace", syscall(SYS_clone3, &arguments, sizeof arguments));
}

static void by_setns(void)
{
    static const char *const names[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup",
                                        "time"};
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[32];
        snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
        int fd = open(path, O_RDONLY);
        if (fd >= 0) refused("setns", setns(fd, 0));
    }
    long pidfd = syscall(SYS_pidfd_open, getppid(), 0);
    if (pidfd >= 0) refused("setns of a process", setns((int)pidfd, CLONE_NEWNS | CLONE_NEWNET));
}

int main(void)
{
    only_confined();
    static void (*const deeds[])(void) = {by_unshare, by_clone, by_clone3, by_setns};
    for (size_t i = 0; i < COUNT(flags); i++) {
        flag = flags[i];
        for (size_t j = 0; j < COUNT(deeds); j++)
            if (gave_up(status_of(deeds[j]))) {
                errno = 0;
                escaped("flag %#lx, way %zu", flag, j);
            }
    }
    return 0;
}
