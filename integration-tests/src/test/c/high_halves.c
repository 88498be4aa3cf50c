// SPDX-License-Identifier: Apache-2.0
/* Trap: a filter that compares the low half of an argument where the kernel reads all of it, or
 * all of it where the kernel reads the low half.
 * Does: forbidden arguments with bits set in the high half: ioctl(TIOCSTI), socket families,
 * clone flags; the kernel cuts all three to 32 bits.
 * Observe: exit 0. */
#include "hostile.h"
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static const unsigned long high = 1UL << 32;

static void fork_in_namespace(void)
{
    refused("clone", syscall(SYS_clone, high | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}

int main(void)
{
    only_confined();
    char byte = 'x';
    refused("ioctl(TIOCSTI)", syscall(SYS_ioctl, 0, high | TIOCSTI, &byte));
    refused("socket(AF_ALG)", syscall(SYS_socket, high | AF_ALG, SOCK_SEQPACKET, 0));
    refused("socket(AF_VSOCK)", syscall(SYS_socket, high | AF_VSOCK, SOCK_STREAM, 0));
    if (gave_up(status_of(fork_in_namespace))) escaped("clone with a high half");
    return 0;
}
