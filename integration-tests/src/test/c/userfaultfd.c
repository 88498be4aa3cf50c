// SPDX-License-Identifier: Apache-2.0
/* Trap: userfaultfd stops the kernel wherever the program likes.
 * Does: opens one by the call (also for user faults only) and by the device.
 * Observe: exit 0. */
#include "hostile.h"

int main(void)
{
    only_confined();
    forbidden("userfaultfd", syscall(SYS_userfaultfd, O_CLOEXEC));
    forbidden("userfaultfd(USER_MODE_ONLY)", syscall(SYS_userfaultfd, O_CLOEXEC | 1));
    refused("/dev/userfaultfd", open("/dev/userfaultfd", O_RDWR));
    return 0;
}
