// SPDX-License-Identifier: Apache-2.0
/* A stranger with a file system of its own that does not answer. In a mount namespace of its own it
 * mounts one file by FUSE, opens it, connects to the socket SOCKET and passes the descriptor. From
 * then on it tells the other end each request's opcode, 4 bytes a packet, and answers none.
 *
 * usage: silent_fuse SOCKET FILE */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { NOT_ALLOWED = 77 };

static void answer(int fuse, unsigned long unique, int error, void *body, size_t size)
{
    struct fuse_out_header out = {.len = sizeof out + size, .error = error, .unique = unique};
    struct iovec parts[] = {{&out, sizeof out}, {body, size}};
    if (writev(fuse, parts, 2) < 0)
        err(1, "answer");
}

static void pass(int to, int fd)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof fd)];
    } control = {.header = {CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec part = {"file", 4};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    if (sendmsg(to, &message, 0) < 0)
        err(1, "sendmsg");
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int to = socket(AF_UNIX, SOCK_SEQPACKET, 0), fuse, passed = 0;
    char options[100];
    static char request[1 << 20];

    if (argc != 3)
        return 2;
    strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
    if (connect(to, (struct sockaddr *)&address, sizeof address))
        err(1, "connect");
    fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fuse < 0 || unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        err(NOT_ALLOWED, "prepare to mount");
    snprintf(options, sizeof options, "fd=%d,rootmode=100000,user_id=0,group_id=0", fuse);
    if (mount("stranger", argv[2], "fuse", MS_NOSUID | MS_NODEV, options))
        err(NOT_ALLOWED, "mount");
    if (!fork()) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(fuse);
        int fd = open(argv[2], O_RDWR);
        if (fd < 0)
            err(1, "open");
        pass(to, fd);
        pause();
    }
    while (read(fuse, request, sizeof request) > 0) {
        struct fuse_in_header *in = (struct fuse_in_header *)request;
        struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION,
                                     .minor = FUSE_KERNEL_MINOR_VERSION,
                                     .max_write = 4096};
        struct fuse_open_out opened = {.fh = 1};
        if (in->opcode == FUSE_INIT) {
            answer(fuse, in->unique, 0, &init, sizeof init);
        } else if (in->opcode == FUSE_OPEN) {
            answer(fuse, in->unique, 0, &opened, sizeof opened);
            passed = 1;
        } else if (!passed) {
            answer(fuse, in->unique, -ENOSYS, NULL, 0);
        } else if (send(to, &in->opcode, sizeof in->opcode, MSG_NOSIGNAL) < 0) {
            err(1, "send");
        }
    }
    return 1;
}
