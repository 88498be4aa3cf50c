// SPDX-License-Identifier: Apache-2.0
/* Trap: PID 1 holds the rights of the container; whoever reads or writes its memory has them.
 * Does: ptrace, process_vm_readv and _writev, pidfd_getfd, kcmp, process_madvise on PID 1.
 * Observe: exit 0. */
#include "hostile.h"
#include <sys/ptrace.h>
#include <sys/uio.h>

int main(void)
{
    only_confined();
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
    refused("ptrace(ATTACH, 1)", ptrace(PTRACE_ATTACH, 1, NULL, NULL));
    refused("ptrace(SEIZE, 1)", ptrace(PTRACE_SEIZE, 1, NULL, NULL));
    forbidden("process_vm_readv(1)", process_vm_readv(1, &here, 1, &there, 1, 0));
    forbidden("process_vm_writev(1)", process_vm_writev(1, &here, 1, &there, 1, 0));
    forbidden("kcmp(1)", syscall(SYS_kcmp, getpid(), 1, 0, 0, 0));
    long pidfd = syscall(SYS_pidfd_open, 1, 0);
    if (pidfd >= 0) {
        for (int fd = 0; fd < 16; fd++)
            refused("pidfd_getfd(1)", syscall(SYS_pidfd_getfd, pidfd, fd, 0));
        refused("process_madvise(1)", syscall(SYS_process_madvise, pidfd, &there, 1, 20, 0));
    }
    return 0;
}
