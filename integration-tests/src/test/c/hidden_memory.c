// SPDX-License-Identifier: Apache-2.0
/* Trap: memory that belongs to no process: no rlimit counts it, and killing the largest process
 * frees none of it.
 * Does: fills memfds, System V segments, POSIX message queues, pipes or sockets, up to 1 GiB.
 * Observe: the memory limit, or exit 0 where another bound came first; the next run's figures are
 * its own. */
#include "hostile.h"
#include <mqueue.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>

#define MUCH (1L << 30)

static char block[1 << 16];

/* Writes until there is no room; what was written. */
static long fill(int fd, long most)
{
    long written = 0;
    ssize_t n;
    while (written < most && (n = write(fd, block, sizeof block)) > 0) written += n;
    return written;
}

static long fill_memfd(void)
{
    int fd = memfd_create("hidden", 0);
    return fd < 0 ? 0 : fill(fd, 16 << 20);
}

static long fill_segment(void)
{
    size_t size = 16 << 20;
    int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
    char *memory = id < 0 ? (char *)-1 : shmat(id, NULL, 0);
    if (memory == (char *)-1) return 0;
    memset(memory, 1, size);
    shmdt(memory);
    return (long)size;
}

static long fill_queue(void)
{
    static int count;
    char name[32];
    struct mq_attr attributes = {.mq_maxmsg = 10, .mq_msgsize = 8192};
    snprintf(name, sizeof name, "/q%d", count++);
    mqd_t queue = mq_open(name, O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attributes);
    long written = 0;
    if (queue == (mqd_t)-1) return 0;
    while (mq_send(queue, block, 8192, 0) == 0) written += 8192;
    return written;
}

static long fill_pipe(void)
{
    int ends[2];
    if (pipe2(ends, O_NONBLOCK) != 0) return 0;
    (void)fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    return fill(ends[1], MUCH);
}

static long fill_socket(void)
{
    int ends[2], size = 1 << 30;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) return 0;
    (void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    return fill(ends[1], MUCH);
}

int main(int count, char **arguments)
{
    only_confined();
    memset(block, 'x', sizeof block);
    long (*deed)(void) = is_mode(count, arguments, "memfd")      ? fill_memfd
                         : is_mode(count, arguments, "segments") ? fill_segment
                         : is_mode(count, arguments, "queues")   ? fill_queue
                         : is_mode(count, arguments, "pipes")    ? fill_pipe
                                                                 : fill_socket;
    long all = 0, more;
    while (all < MUCH && (more = deed()) > 0) all += more;
    errno = 0;
    if (all >= MUCH) escaped("1 GiB");
    return 0;
}
