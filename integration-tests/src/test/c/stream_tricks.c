// SPDX-License-Identifier: Apache-2.0
/* Trap: what a program can do to the pipe that its output is collected from, or that it is joined to
 * another by: flags, size, packets, pages instead of copies, descriptors that leave, names.
 * Does: one trick, by its argument, and writes a known number of bytes with it.
 * Observe: exit 0; the harness gets exactly those bytes, waits for nobody, and is not blocked. */
#include "hostile.h"
#include <sys/mman.h>
#include <sys/socket.h>

enum { PAGE = 4096, MUCH = 1000000 };

static char bytes[MUCH];

static void put(const char *from, size_t length)
{
    while (length > 0) {
        ssize_t n = write(1, from, length);
        if (n < 0 && errno == EAGAIN) continue;
        must("write", n);
        from += n;
        length -= (size_t)n;
    }
}

/* The description of the writing end is shared with the supervisor's copy. */
static void flags(void)
{
    (void)fcntl(1, F_SETFL, O_NONBLOCK | O_ASYNC | O_APPEND);
    (void)fcntl(1, F_SETOWN, 1);
    (void)fcntl(1, F_SETSIG, SIGKILL);
    put(bytes, MUCH);
}

/* Leaves as much as possible in the pipe at the end. */
static void large(void)
{
    (void)fcntl(1, F_SETPIPE_SZ, 1 << 20);
    put(bytes, MUCH);
}

static void small(void)
{
    (void)fcntl(1, F_SETPIPE_SZ, PAGE);
    put(bytes, MUCH);
}

/* Each write is a packet of its own, and a read gets no more than one. */
static void packets(void)
{
    (void)fcntl(1, F_SETFL, O_DIRECT);
    for (int i = 0; i < 15; i++) put(bytes, 1);
    put(bytes, 85);
}

/* Pages of a file, and of memory that changes afterwards, instead of copies. */
static void pages(void)
{
    int file = (int)must("memfd", memfd_create("pages", 0));
    must("write", write(file, bytes, PAGE));
    loff_t at = 0;
    if (splice(file, &at, 1, NULL, PAGE, 0) != PAGE) put(bytes, PAGE);
    char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct iovec vector = {page, PAGE};
    if (vmsplice(1, &vector, 1, SPLICE_F_GIFT) != PAGE) put(bytes, PAGE);
    memset(page, 'x', PAGE);
    munmap(page, PAGE);
    (void)!ftruncate(file, 0);
}

static void duplicate(void)
{
    int ends[2];
    must("pipe", pipe(ends));
    must("write", write(ends[1], bytes, PAGE));
    if (tee(ends[0], 1, PAGE, 0) != PAGE) put(bytes, PAGE);
}

static void many(void)
{
    for (int child = 0; child < 16; child++) {
        if (must("fork", fork()) == 0) {
            for (int i = 0; i < 100; i++) put(bytes, 100);
            _exit(0);
        }
    }
    while (wait(NULL) > 0) {}
}

static void closes(void)
{
    for (int fd = 0; fd <= 2; fd++) close(fd);
}

/* A process that is not waited for, and a message that is not received, keep the writing end. */
static void leaves(void)
{
    int ends[2];
    must("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    *(int *)CMSG_DATA(&control.header) = 1;
    struct iovec vector = {bytes, 1};
    struct msghdr message = {NULL, 0, &vector, 1, &control, sizeof control, 0};
    must("sendmsg", sendmsg(ends[0], &message, 0));
    put(bytes, 100);
    if (must("fork", fork()) == 0) {
        setsid();
        if (must("fork", fork()) != 0) _exit(0);
        pause_for_milliseconds(1000000);
    }
}

/* By its name it can be opened to write to, for programs expect that, but not to read from. */
static void names(void)
{
    int again = (int)must("open /dev/stdout", open("/dev/stdout", O_WRONLY | O_CREAT | O_TRUNC, 0644));
    must("write", write(again, bytes, 100));
    struct stat status;
    must("fstat", fstat(1, &status));
    if (status.st_uid == getuid()) return; /* without root it is the program's own */
    forbidden("open for reading", open("/proc/self/fd/1", O_RDONLY | O_NONBLOCK));
    forbidden("open for both", open("/proc/self/fd/1", O_RDWR | O_NONBLOCK));
    forbidden("fchmod", fchmod(1, 0));
}

static void for_ever(void)
{
    signal(SIGPIPE, SIG_IGN);
    for (;;) (void)!write(1, bytes, MUCH);
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        void (*play)(void);
    } tricks[] = {
        {"flags", flags},   {"large", large},         {"small", small}, {"packets", packets},
        {"pages", pages},   {"duplicate", duplicate}, {"many", many},   {"closes", closes},
        {"leaves", leaves}, {"names", names},         {"for_ever", for_ever},
    };
    only_confined();
    memset(bytes, 'a', sizeof bytes);
    for (size_t i = 0; i < COUNT(tricks); i++) {
        if (is_mode(count, arguments, tricks[i].name)) {
            tricks[i].play();
            return 0;
        }
    }
    errno = EINVAL;
    broken("no such trick");
}
