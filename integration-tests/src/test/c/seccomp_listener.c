// SPDX-License-Identifier: Apache-2.0
/* Trap: a filter with a listener lets one process answer the system calls of another, and
 * overrides an ERRNO of ours.
 * Does: seccomp(SET_MODE_FILTER, NEW_LISTENER).
 * Observe: exit 0. */
#include "hostile.h"
#include <linux/filter.h>
#include <linux/seccomp.h>

int main(void)
{
    only_confined();
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &allow};
    refused("seccomp with a listener",
            syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                    &program));
    return 0;
}
