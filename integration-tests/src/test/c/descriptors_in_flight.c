// SPDX-License-Identifier: Apache-2.0
/* Trap: descriptors queued in a socket outlive their process until the kernel's collector finds
 * the cycle; meanwhile they keep the file system busy.
 * Does: sends files and directories of /w, and the sockets themselves, through sockets whose
 * ends are sent too.
 * Observe: exit 0; reset works at once and proves it. */
#include "hostile.h"
#include <sys/socket.h>

static void send_descriptor(int to, int fd)
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
    (void)sendmsg(to, &message, MSG_DONTWAIT);
}

int main(void)
{
    only_confined();
    int directory = (int)must("open", open(".", O_RDONLY | O_DIRECTORY));
    for (int i = 0; i < 20; i++) {
        int pair[2];
        must("socketpair", socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
        int file = (int)must("create", open("held", O_CREAT | O_RDWR, 0600));
        send_descriptor(pair[0], directory);
        send_descriptor(pair[0], file);
        send_descriptor(pair[0], pair[0]);
        send_descriptor(pair[0], pair[1]);
        send_descriptor(pair[1], pair[1]);
        close(file);
    }
    return 0;
}
