// SPDX-License-Identifier: Apache-2.0
/*
 * init: the only native code of Cloister. It executes syscall programs and knows nothing else.
 *
 * The same binary runs in two places. The worker starts one ZYGOTE in the host's namespaces; the
 * zygote forks one INIT per container, which is PID 1 of that container's namespaces. Both do the
 * same: receive a message on descriptor SOCK (a SEQPACKET socket whose other end is the worker),
 * run the instructions in it, send a reply, close every descriptor above SOCK, and begin anew.
 * What the instructions mean (mount, open, run a program...) is decided by the worker alone;
 * docs/protocol.md draws the frames.
 *
 * Processes:  worker --spawn--> zygote --FORK--> init --FORK(CLONE_VM|CLONE_VFORK)--> program
 * Privileges: the zygote has the worker's. init has all capabilities of its own user namespace and
 *             never execs. The block of instructions after a FORK drops the program's privileges.
 * Lifetime:   end of file on SOCK ends the process, and with an init everything in its namespaces.
 *
 * The peer is trusted, yet every frame is checked in full before its first instruction runs, and
 * every message is answered, a bad one too: the worker must never wait in vain.
 *
 * No libc: system headers give types and numbers, nothing is linked. Memory is three areas at fixed
 * addresses, so that a message can hold final pointers (argv, iovec, sock_fprog) without relocation.
 */
#include <errno.h>
#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "init.h"

#if defined(INIT_SYSCALL) /* the fuzzer brings its own kernel */
long INIT_SYSCALL(long n, long a, long b, long c, long d, long e, long f);
long clone3_call(const struct clone_args *args, size_t size, void (*run)(void *), void *arg);
#define raw INIT_SYSCALL
#else
#include "arch.h" /* raw(), clone3_call(), _start */
#endif

static void exit_now(int code)
{
    for (;;)
        raw(__NR_exit_group, code, 0, 0, 0, 0, 0);
}

/* ---- state ----------------------------------------------------------------------------------- */

#define RESULTS ((int64_t *)RESULTS_AT)
#define DESCRIPTORS ((int64_t *)DESCRIPTORS_AT)
#define MESSAGE ((struct message *)MESSAGE_AT)

static uint32_t serial;           /* of the message being run */
static uint32_t count;            /* its instructions */
static int32_t fail, error;       /* its first failure */
static struct instruction answer; /* the REPLY to send at the end; op 0 = a bare one */
static union {                    /* ancillary data, received or sent, never both at once */
    struct cmsghdr header;
    unsigned char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
} control;
static unsigned char child_stack[8192] __attribute__((aligned(16)));

/* ---- replies --------------------------------------------------------------------------------- */

/* Sends results, then the bytes and descriptors that r asks for (those that are not errors). */
static long send_reply(const struct instruction *r, uint16_t kind, uint32_t results)
{
    struct reply head = {serial, kind, (uint16_t)results, fail, error};
    struct iovec parts[3] = {{&head, sizeof head}, {RESULTS, results * sizeof(int64_t)}, {0, 0}};
    struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2};
    int *out = (int *)CMSG_DATA(&control.header);
    size_t n = 0;

    if (r->op == REPLY) {
        const int64_t *from = (const int64_t *)r->a[2];

        parts[2].iov_base = (void *)r->a[0];
        parts[2].iov_len = (size_t)r->a[1];
        m.msg_iovlen = 3;
        for (int64_t i = 0; i < r->a[3]; i++)
            if (from[i] >= 0)
                out[n++] = (int)from[i];
    }
    if (n) {
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
        m.msg_control = &control;
        m.msg_controllen = CMSG_SPACE(n * sizeof(int));
    }
    return raw(__NR_sendmsg, SOCK, (long)&m, MSG_NOSIGNAL, 0, 0, r->a[5]);
}

/* ---- instructions ---------------------------------------------------------------------------- */

static int within(uint64_t at, uint64_t size, uint64_t area, uint64_t area_size)
{
    return at >= area && at - area <= area_size && size <= area_size - (at - area);
}

/* Whether [at, at + size) lies in one of the three areas. */
static int inside(int64_t at, int64_t size)
{
    return size >= 0 && (within((uint64_t)at, (uint64_t)size, MESSAGE_AT, MESSAGE_MAX) ||
                         within((uint64_t)at, (uint64_t)size, RESULTS_AT, RESULTS_SIZE) ||
                         within((uint64_t)at, (uint64_t)size, DESCRIPTORS_AT, DESCRIPTORS_SIZE));
}

#include "watch.h" /* do_watch() */

static struct instruction *instructions(void)
{
    return (struct instruction *)(MESSAGE->data + ((MESSAGE->data_len + 7UL) & ~7UL));
}

/* What is wrong with the n bytes that arrived: 0 or an errno. */
static int32_t check(uint64_t n)
{
    const struct message *m = MESSAGE;
    const struct instruction *p;
    uint32_t block = 0; /* instructions left of the child's block */

    if (n < sizeof *m || m->zero || m->count > COUNT_MAX || m->data_len > MESSAGE_MAX ||
        n != sizeof *m + ((m->data_len + 7UL) & ~7UL) + m->count * sizeof *p)
        return EBADMSG;
    p = instructions();
    for (uint32_t i = 0; i < m->count; i++) {
        if ((p[i].flags & ~FLAGS) || p[i].ind >= 1 << 6)
            return EINVAL;
        if (p[i].op > WATCH || (p[i].op == FORK && (block || p[i].aux >= m->count - i)))
            return EINVAL;
        if (p[i].op >= FORK && p[i].flags & REPEAT) /* would hardly ever end */
            return EINVAL;
        block = p[i].op == FORK ? p[i].aux : block ? block - 1 : 0;
    }
    return 0;
}

static long do_reply(const struct instruction *p)
{
    if (p->a[3] < 0 || p->a[3] > DESCRIPTORS_MAX || !inside(p->a[0], p->a[1]) ||
        (p->a[3] && (p->a[2] & 7 || !inside(p->a[2], p->a[3] * 8))))
        return -EFAULT;
    if (p->aux)
        return send_reply(p, EARLY, count);
    answer = *p;
    return 0;
}

static void run(uint32_t from, uint32_t to, int child);
static void serve(void);
void start(void);

/* The child of a FORK: its block, then either nothing is left to do or it is an interpreter too. */
static void child_main(void *arg)
{
    const struct instruction *p = arg;
    uint32_t first = (uint32_t)(p - instructions()) + 1;

    run(first, first + p->aux, 1);
    if (p->a[0] & CLONE_VM)
        exit_now(0);
    serve();
}

/* a: clone flags, exit signal, address for the pidfd, cgroup descriptor. */
static long do_fork(struct instruction *p)
{
    struct clone_args args = {.flags = (uint64_t)p->a[0], .exit_signal = (uint64_t)p->a[1],
                              .pidfd = (uint64_t)p->a[2], .cgroup = (uint64_t)p->a[3]};

    if (args.flags & CLONE_VM) {
        if (!(args.flags & CLONE_VFORK)) /* or both would run on the same globals */
            return -EINVAL;
        args.stack = (uint64_t)child_stack;
        args.stack_size = sizeof child_stack;
    }
    return clone3_call(&args, sizeof args, child_main, p);
}

static long step(struct instruction *p)
{
    for (int i = 0; i < 6; i++) {
        if (!(p->ind >> i & 1))
            continue;
        if (p->a[i] & 7 || !inside(p->a[i], 8))
            return -EFAULT;
        p->a[i] = *(int64_t *)p->a[i];
    }
    p->ind = 0;
    if (p->op == FORK)
        return do_fork(p);
    if (p->op == REPLY)
        return do_reply(p);
    if (p->op == WATCH)
        return do_watch(p);
    return raw(p->op, p->a[0], p->a[1], p->a[2], p->a[3], p->a[4], p->a[5]);
}

/* Runs instructions [from, to). After a failure only those marked ALWAYS; a child ends instead. */
static void run(uint32_t from, uint32_t to, int child)
{
    struct instruction *p = instructions();

    for (uint32_t i = from; i < to; i++) {
        uint32_t block = p[i].op == FORK ? p[i].aux : 0;

        if (!fail || p[i].flags & ALWAYS) {
            long r;

            do
                r = step(&p[i]);
            while (p[i].flags & REPEAT && r > 0);
            RESULTS[i] = r;
            if (((r < 0 && r > -4096) || (!r && p[i].flags & POSITIVE)) && !fail &&
                !(p[i].flags & CONT) && !(p[i].flags & IGN && r == -(long)p[i].aux)) {
                fail = (int32_t)i + 1;
                error = (int32_t)-r;
            }
            if (child && fail)
                exit_now(127);
        }
        i += block;
    }
}

/* ---- messages -------------------------------------------------------------------------------- */

/* Receives one message with its descriptors; returns its length, or minus the error. */
static long receive(int *flags)
{
    struct iovec into = {MESSAGE, MESSAGE_MAX};
    struct msghdr m = {.msg_iov = &into, .msg_iovlen = 1,
                       .msg_control = &control, .msg_controllen = sizeof control};
    long n = raw(__NR_recvmsg, SOCK, (long)&m, MSG_CMSG_CLOEXEC, 0, 0, 0);

    for (int i = 0; i < DESCRIPTORS_MAX; i++)
        DESCRIPTORS[i] = -1;
    if (n > 0 && m.msg_controllen >= CMSG_LEN(0) && control.header.cmsg_type == SCM_RIGHTS) {
        const int *in = (const int *)CMSG_DATA(&control.header);
        size_t k = (control.header.cmsg_len - CMSG_LEN(0)) / sizeof(int);

        for (size_t i = 0; i < k && i < DESCRIPTORS_MAX; i++)
            DESCRIPTORS[i] = in[i];
    }
    *flags = m.msg_flags;
    return n;
}

static void map(uint64_t at, uint64_t size)
{
    if (raw(__NR_mmap, (long)at, (long)size, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (long)at)
        exit_now(2);
}

/* For ever: receive, run, reply, forget. */
static void serve(void)
{
    for (;;) {
        int flags;
        long n = receive(&flags), sent;

        if (n == -EINTR)
            continue;
        if (n <= 0) /* end of file: the worker is gone, and so is our reason to be */
            exit_now(0);
        serial = (size_t)n < sizeof *MESSAGE ? 0 : MESSAGE->serial;
        answer.op = 0;
        error = flags & (MSG_TRUNC | MSG_CTRUNC) ? EMSGSIZE : check((uint64_t)n);
        fail = error ? -1 : 0;
        count = fail ? 0 : MESSAGE->count;
        for (uint32_t i = 0; i < count; i++)
            RESULTS[i] = NOT_RUN;
        run(0, count, 0);
        sent = send_reply(&answer, FINAL, count);
        if (sent < 0) { /* what was asked for cannot be sent: say so instead */
            fail = -1;
            error = (int32_t)-sent;
            answer.op = 0;
            if (send_reply(&answer, FINAL, 0) < 0)
                exit_now(1);
        }
        raw(__NR_close_range, SOCK + 1, ~0U, 0, 0, 0, 0);
        if (n > MESSAGE_KEEP) /* an idle init stays small */
            raw(__NR_madvise, MESSAGE_AT, MESSAGE_MAX, MADV_DONTNEED, 0, 0, 0);
    }
}

void start(void)
{
    map(RESULTS_AT, RESULTS_SIZE);
    map(DESCRIPTORS_AT, DESCRIPTORS_SIZE);
    map(MESSAGE_AT, MESSAGE_MAX);
    /* From here on nothing but end of file on SOCK may end this process. */
    serve();
}
