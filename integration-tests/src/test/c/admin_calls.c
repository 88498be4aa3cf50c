// SPDX-License-Identifier: Apache-2.0
/* Trap: calls for the administrator that a program without capabilities has no business with;
 * some check their arguments first, so arguments are chosen that do nothing where they get
 * through.
 * Does: modules, kexec, reboot, swap, accounting, kernel log, port access, file handles,
 * fanotify, quotas.
 * Observe: exit 0. */
#include "hostile.h"

int main(void)
{
    only_confined();
    forbidden("init_module", syscall(SYS_init_module, NULL, 0, ""));
    forbidden("finit_module", syscall(SYS_finit_module, -1, "", 0));
    forbidden("delete_module", syscall(SYS_delete_module, "no such module", O_NONBLOCK));
    forbidden("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
    forbidden("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
    forbidden("swapon", syscall(SYS_swapon, "/no such file", 0));
    forbidden("swapoff", syscall(SYS_swapoff, "/no such file"));
    forbidden("acct", syscall(SYS_acct, NULL));
    forbidden("syslog", syscall(SYS_syslog, 5, NULL, 0));
    forbidden("vhangup", syscall(SYS_vhangup));
    struct { unsigned bytes; int type; char handle[8]; } handle = {8, 1, {0}};
    forbidden("open_by_handle_at", syscall(SYS_open_by_handle_at, AT_FDCWD, &handle, 0));
    forbidden("fanotify_init", syscall(SYS_fanotify_init, 0, 0));
    refused("quotactl", syscall(SYS_quotactl, 0x800002 << 8, "/dev/null", 0, NULL));
#if defined(__x86_64__)
    forbidden("iopl", syscall(SYS_iopl, 3));
    forbidden("ioperm", syscall(SYS_ioperm, 0x80, 1, 1));
#endif
    return 0;
}
