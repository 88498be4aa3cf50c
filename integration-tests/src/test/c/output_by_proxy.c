// SPDX-License-Identifier: Apache-2.0
/* Trap: whoever waits for the end of a stream waits for all that hold it, queued descriptors, too.
 * Does: queues its standard output in a socket, closes its streams, and either ends ("held") or has
 * a child take the stream from there and write for ever ("flood").
 * Observe: held: exit 0 at once. flood: the output limit. */
#include "hostile.h"
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

static int take(int from)
{
    char byte, control[CMSG_SPACE(sizeof(int))];
    int fd;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    must("take", recvmsg(from, &message, 0));
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

int main(int count, char **arguments)
{
    only_confined();
    int pair[2];
    must("socketpair", socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    queue(pair[0], 1);
    for (int i = 0; i < 3; i++) close(i);
    if (!is_mode(count, arguments, "flood")) { /* queued in itself: nobody can take it any more */
        queue(pair[0], pair[1]);
        return 0;
    }
    if (must("fork", fork()) == 0) {
        static char block[4096];
        int out = take(pair[1]);
        for (;;)
            if (write(out, block, sizeof block) < 0) _exit(0);
    }
    for (;;) pause();
}
