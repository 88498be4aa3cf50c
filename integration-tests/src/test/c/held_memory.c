// SPDX-License-Identifier: Apache-2.0
/* Trap: files in a socket that is queued in itself outlive their processes until the kernel's
 * collector finds the cycle, and so does their memory.
 * Does: queues a file of 100 MiB in such a socket, and ends.
 * Observe: exit 0; the next run has its whole memory limit, and figures of its own. */
#include "hostile.h"
#include <sys/mman.h>
#include <sys/socket.h>

static void queue(int to, int fd)
{
    char byte = 0, control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    must("queue", sendmsg(to, &message, MSG_DONTWAIT));
}

int main(void)
{
    only_confined();
    static char block[1 << 20];
    int pair[2];
    int file = (int)must("memfd", memfd_create("held", 0));
    for (int i = 0; i < 100; i++) must("write", write(file, block, sizeof block));
    must("socketpair", socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    queue(pair[0], file);
    queue(pair[0], pair[1]);
    queue(pair[1], pair[0]);
    return 0;
}
