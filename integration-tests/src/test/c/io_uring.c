// SPDX-License-Identifier: Apache-2.0
/* Trap: io_uring makes system calls that no filter sees.
 * Does: io_uring_setup, _enter, _register.
 * Observe: exit 0. */
#include "hostile.h"

int main(void)
{
    only_confined();
    char parameters[120] = {0};
    forbidden("io_uring_setup", syscall(SYS_io_uring_setup, 8, parameters));
    forbidden("io_uring_enter", syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0));
    forbidden("io_uring_register", syscall(SYS_io_uring_register, -1, 0, NULL, 0));
    return 0;
}
