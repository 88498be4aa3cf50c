// SPDX-License-Identifier: Apache-2.0
/*
 * Fuzzes init's frame checks and interpreter: init.c as it is, on a kernel of this file's own.
 *
 * An input is a stream of records, each one message for init:
 *
 *   u8 mode | u8 descriptors | u16 seed | u32 length | length bytes of a message
 *
 * mode (below) says how the message arrives and how its reply fares; seed starts the sequence of the
 * answers that the kernel gives to the program's calls. No call of a program is executed: it gets a
 * plausible answer, and some of them scribble over the data area, as read(2) would.
 *
 * What must hold, whatever arrives: every message gets exactly one FINAL reply, its numbers are in
 * their bounds, what it points to lies in the three areas, a bad frame is answered as such and a
 * good one is not, the steps that ran are those that should, and the process ends at the end of the
 * stream, never before.
 *
 * cc -DSTANDALONE brings a main() for machines without libFuzzer:
 *   fuzz_init RUNS SEED CORPUS_DIRECTORY [SECONDS]
 * which replays the corpus, then RUNS random mutations of it (with SECONDS, as many as fit).
 */
#define INIT_SYSCALL fuzz_syscall
#include "../../main/c/init.c"

#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* record.mode */
#define FIT 1        /* make count and data_len fit the length: most mutations would die on that */
#define TRUNCATED 2  /* the kernel cut the message */
#define CTRUNCATED 4 /* or its descriptors */
#define REFUSE 8     /* the first final reply cannot be sent */
#define REFUSE2 16   /* nor can the second: init must give up */
#define CHILD 32     /* after a FORK without CLONE_VM, go on as the child */
#define EMPTY_CONTROL 64 /* control messages of another type */

struct record {
    uint8_t mode, descriptors;
    uint16_t seed;
    uint32_t length;
};

#define MUST(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: violated: %s\n", __FILE__, __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

#define CALLS_MAX 20000 /* of one message: then every answer is 0, so that REPEAT ends */

static const uint8_t *input;
static size_t left;
static struct record now;
static uint64_t random_state;
static unsigned calls, finals, attempts, early, delivered;
static int pending;      /* a message is being run */
static int is_bad;       /* and its frame is one that init must refuse */
static uint32_t its_serial, its_count;
static int in_vm_child;
static int is_child;     /* this process was forked while a message was run: it owes it no reply */
static long long watch_clock;
static jmp_buf end_of_process, end_of_child;
static int exit_code;

static uint64_t answer_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static int area_holds(const void *at, size_t size)
{
    uint64_t a = (uint64_t)at;

    if (a >= MESSAGE_AT && a <= MESSAGE_AT + MESSAGE_MAX)
        return size <= MESSAGE_AT + MESSAGE_MAX - a;
    if (a >= RESULTS_AT && a <= RESULTS_AT + RESULTS_SIZE)
        return size <= RESULTS_AT + RESULTS_SIZE - a;
    if (a >= DESCRIPTORS_AT && a <= DESCRIPTORS_AT + DESCRIPTORS_SIZE)
        return size <= DESCRIPTORS_AT + DESCRIPTORS_SIZE - a;
    return 0;
}

/* ---- the frame, judged a second time, in other words ------------------------------------------ */

static uint64_t u32_at(const unsigned char *b, size_t at)
{
    return b[at] | (uint64_t)b[at + 1] << 8 | (uint64_t)b[at + 2] << 16 | (uint64_t)b[at + 3] << 24;
}

static int is_good_frame(const unsigned char *b, size_t n)
{
    uint64_t steps, data, at, until = 0;

    if (n < 16 || u32_at(b, 12) != 0)
        return 0;
    steps = u32_at(b, 0);
    data = u32_at(b, 4);
    if (steps > COUNT_MAX || data > MESSAGE_MAX)
        return 0;
    at = 16 + (data + 7) / 8 * 8;
    if (at + steps * 56 != n)
        return 0;
    for (uint64_t i = 0; i < steps; i++, at += 56) {
        unsigned op = b[at] | (unsigned)b[at + 1] << 8;

        if (b[at + 2] >= 32 || b[at + 3] >= 64 || op > WATCH)
            return 0;
        if (op >= FORK && b[at + 2] & REPEAT)
            return 0;
        if (op == FORK) {
            if (i < until || i + u32_at(b, at + 4) >= steps)
                return 0;
            until = i + 1 + u32_at(b, at + 4);
        }
    }
    return 1;
}

/* ---- the kernel ------------------------------------------------------------------------------- */

/* init tells its own calls from a program's by nothing, so programs get others instead of these. */
static void replace_calls_of_init(unsigned char *b, size_t n)
{
    size_t at;

    if (!is_good_frame(b, n))
        return;
    for (at = 16 + (u32_at(b, 4) + 7) / 8 * 8; at < n; at += 56) {
        uint16_t op;

        memcpy(&op, b + at, sizeof op);
        if (op == __NR_recvmsg || op == __NR_sendmsg || op == __NR_exit_group || op == __NR_mmap) {
            op = __NR_getpid;
            memcpy(b + at, &op, sizeof op);
        }
    }
}

static void fit(unsigned char *b, size_t n)
{
    uint32_t steps, data;

    if (n < 16)
        return;
    steps = (uint32_t)u32_at(b, 0) % ((n - 16) / 56 + 1);
    data = (uint32_t)(n - 16 - steps * 56UL);
    data -= data % 8; /* the caller cuts the rest off */
    memcpy(b, &steps, 4);
    memcpy(b + 4, &data, 4);
    memset(b + 12, 0, 4);
}

static long deliver(struct msghdr *m)
{
    int *out;
    size_t n;

    MUST(m->msg_iovlen == 1 && (uint64_t)m->msg_iov[0].iov_base == MESSAGE_AT &&
         m->msg_iov[0].iov_len == MESSAGE_MAX);
    MUST((void *)m->msg_control == (void *)&control && m->msg_controllen == sizeof control);
    if (pending && !is_child)
        MUST(finals == 1);
    pending = 0;
    if (left < sizeof now) {
        m->msg_controllen = 0;
        m->msg_flags = 0;
        return left % 2 ? -ECONNRESET : 0;
    }
    memcpy(&now, input, sizeof now);
    input += sizeof now;
    left -= sizeof now;
    n = now.length % (MESSAGE_MAX + 1);
    if (n > left)
        n = left;
    if (now.mode & FIT && n >= 16)
        n = 16 + (n - 16) / 8 * 8;
    if (n == 0) /* a message of no bytes cannot be told from the end: the worker sends none */
        return -EINTR;
    memcpy(MESSAGE, input, n);
    if (now.mode & FIT)
        fit((unsigned char *)MESSAGE, n);
    input += n;
    left -= n;
    replace_calls_of_init((unsigned char *)MESSAGE, n);

    random_state = now.seed * 0x9e3779b97f4a7c15UL + 1;
    calls = finals = attempts = early = 0;
    watch_clock = 0;
    pending = 1;
    is_child = 0;
    delivered++;
    is_bad = !is_good_frame((unsigned char *)MESSAGE, n) || now.mode & (TRUNCATED | CTRUNCATED);
    its_serial = n < 16 ? 0 : MESSAGE->serial;
    its_count = is_bad ? 0 : MESSAGE->count;

    m->msg_flags = (now.mode & TRUNCATED ? MSG_TRUNC : 0) |
                   (now.mode & CTRUNCATED ? MSG_CTRUNC : 0) | MSG_CMSG_CLOEXEC;
    if (!now.descriptors) {
        m->msg_controllen = 0;
        return (long)n;
    }
    if (now.descriptors > DESCRIPTORS_MAX)
        now.descriptors = DESCRIPTORS_MAX;
    out = (int *)CMSG_DATA(&control.header);
    for (int i = 0; i < now.descriptors; i++)
        out[i] = SOCK + 1 + i;
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = now.mode & EMPTY_CONTROL ? 2 /* SCM_CREDENTIALS */ : SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(now.descriptors * sizeof(int));
    m->msg_controllen = CMSG_SPACE(now.descriptors * sizeof(int));
    return (long)n;
}

/* Which steps ran: all up to the first failure, but for the blocks of children; after it those that
 * are marked ALWAYS, and no other. */
static void check_results(const struct reply *head)
{
    const struct instruction *p = instructions();
    uint32_t block_end = 0;

    for (uint32_t i = 0; i < head->count; i++) {
        int in_block = i < block_end;

        if (head->fail && i >= (uint32_t)head->fail && !(p[i].flags & ALWAYS))
            MUST(RESULTS[i] == NOT_RUN);
        else if (!in_block)
            MUST(RESULTS[i] != NOT_RUN);
        if (p[i].op == FORK)
            block_end = i + 1 + p[i].aux;
    }
    if (head->fail) {
        int64_t r = RESULTS[head->fail - 1];

        MUST(r == -(int64_t)head->error);
        MUST(r < 0 || p[head->fail - 1].flags & POSITIVE);
        MUST(!(p[head->fail - 1].flags & CONT));
    }
}

static uint64_t checksum; /* keeps the reads of a reply's parts alive */

static long take_reply(const struct msghdr *m, long flags)
{
    struct reply head;
    size_t total = 0;
    int refused;

    MUST(pending);
    MUST(flags == MSG_NOSIGNAL);
    MUST(m->msg_iovlen == 2 || m->msg_iovlen == 3);
    MUST(m->msg_iov[0].iov_len == sizeof head);
    memcpy(&head, m->msg_iov[0].iov_base, sizeof head);
    MUST(head.serial == its_serial);
    MUST(head.kind == FINAL || head.kind == EARLY);
    MUST(head.count <= COUNT_MAX);
    MUST(head.fail >= -1 && head.fail <= (int)its_count);
    MUST(head.error >= 0 && head.error <= 4095);
    MUST(m->msg_iov[1].iov_len == head.count * 8UL);
    MUST((uint64_t)m->msg_iov[1].iov_base == RESULTS_AT);
    for (size_t i = 1; i < m->msg_iovlen; i++) {
        const unsigned char *b = m->msg_iov[i].iov_base;

        MUST(area_holds(b, m->msg_iov[i].iov_len));
        for (size_t k = 0; k < m->msg_iov[i].iov_len; k++)
            checksum += b[k];
        total += m->msg_iov[i].iov_len;
    }
    if (m->msg_control) {
        const struct cmsghdr *c = m->msg_control;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        MUST((const void *)c == (const void *)&control);
        MUST(c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS);
        MUST(n >= 1 && n <= DESCRIPTORS_MAX && c->cmsg_len == CMSG_LEN(n * sizeof(int)));
        MUST(m->msg_controllen == CMSG_SPACE(n * sizeof(int)));
    } else {
        MUST(m->msg_controllen == 0);
    }
    if (head.kind == EARLY) {
        MUST(!is_bad && head.count == its_count);
        early++;
        return answer_bits() % 4 ? (long)(sizeof head + total) : -EMSGSIZE;
    }

    MUST(!in_vm_child && !is_child);
    MUST(finals == 0);
    attempts++;
    if (attempts == 1) {
        MUST((head.fail == -1) == is_bad);
        MUST(head.count == its_count);
        if (!is_bad)
            check_results(&head);
        if (is_bad) {
            MUST(m->msg_iovlen == 2 && !m->msg_control);
            MUST(head.error == EMSGSIZE || head.error == EBADMSG || head.error == EINVAL);
        }
    } else {
        MUST(attempts == 2 && head.fail == -1 && head.error == EMSGSIZE && head.count == 0);
        MUST(m->msg_iovlen == 2 && !m->msg_control);
    }
    refused = (attempts == 1 && now.mode & (REFUSE | REFUSE2)) ||
              (attempts == 2 && now.mode & REFUSE2);
    if (refused)
        return -EMSGSIZE;
    finals++;
    return (long)(sizeof head + total);
}

/* What read(2) and its kind do to their buffer; never to the instructions, which a worker's
 * programs do not aim at. */
static void scribble(void)
{
    size_t n = MESSAGE->data_len, at, length;

    if (n < 8)
        return;
    at = answer_bits() % (n / 8) * 8;
    length = answer_bits() % 64;
    if (length > n - at)
        length = n - at;
    for (size_t i = 0; i < length; i++)
        MESSAGE->data[at + i] = answer_bits() % 3 ? (unsigned char)answer_bits() : 0;
    if (length >= 8 && answer_bits() % 2) { /* often an address that is right, or nearly so */
        static const uint64_t areas[] = {RESULTS_AT, DESCRIPTORS_AT, MESSAGE_AT,
                                         MESSAGE_AT + MESSAGE_MAX, DESCRIPTORS_AT + DESCRIPTORS_SIZE,
                                         RESULTS_AT + RESULTS_SIZE, 0, INT64_MAX};
        uint64_t v = areas[answer_bits() % 8] + answer_bits() % 32 - 16;

        memcpy(MESSAGE->data + at, &v, 8);
    }
}

static long call_of_program(void)
{
    uint64_t r = answer_bits();

    MUST(pending && !is_bad);
    if (++calls > CALLS_MAX)
        return 0;
    switch (r % 8) {
    case 0:
        return -(long)(r >> 8) % 4096; /* any errno, or 0 */
    case 1:
        return -(long)((r >> 8) % 40); /* a common one */
    case 2:
        return 0;
    case 3:
        return (long)(r >> 1); /* an address */
    case 4:
        scribble();
        return (long)(r >> 8) % 64;
    default:
        return (long)(r >> 8) % 300; /* a descriptor, a length */
    }
}

/* WATCH calls with buffers on init's stack, where no program can point on purpose. */
static int is_watchs_own(long buffer)
{
    char here;
    unsigned long distance = (unsigned long)buffer - (unsigned long)&here; /* may wrap around */

    return distance + 65536 < 2 * 65536;
}

/* Each look finds the time doubled, so that a WATCH ends. */
static long tell_time(struct timespec *t)
{
    watch_clock = watch_clock < 1LL << 61 ? watch_clock * 2 + 1 : watch_clock;
    *t = (struct timespec){watch_clock / 1000000000, watch_clock % 1000000000};
    return answer_bits() % 16 ? 0 : -EINVAL;
}

static long tell_usage(char *text, size_t size)
{
    uint64_t r = answer_bits();

    if (r % 8 == 0)
        return -(long)(r >> 8) % 4096;
    for (size_t i = 0; i < size; i++)
        text[i] = answer_bits() % 3 ? (char)('0' + answer_bits() % 10) : (char)answer_bits();
    return (long)((r >> 8) % (size + 1));
}

long fuzz_syscall(long n, long a, long b, long c, long d, long e, long f)
{
    (void)e, (void)f;
    switch (n) {
    case __NR_recvmsg:
        MUST(a == SOCK && c == MSG_CMSG_CLOEXEC && !in_vm_child);
        return deliver((struct msghdr *)b);
    case __NR_sendmsg:
        MUST(a == SOCK);
        return take_reply((const struct msghdr *)b, c);
    case __NR_mmap: /* mapped once, by the first process */
        MUST(d & MAP_FIXED_NOREPLACE);
        return a;
    case __NR_exit_group:
        exit_code = (int)a;
        if (in_vm_child) {
            MUST(a == 0 || a == 127);
            longjmp(end_of_child, 1);
        }
        longjmp(end_of_process, 1);
    case __NR_close_range:
        if (a == SOCK + 1 && b == ~0U && !c && finals) /* init's own; a program's may look so too */
            return 0;
        return call_of_program();
    case __NR_clock_gettime:
        return is_watchs_own(b) ? tell_time((struct timespec *)b) : call_of_program();
    case __NR_pread64:
        return is_watchs_own(b) ? tell_usage((char *)b, (size_t)c) : call_of_program();
    case __NR_madvise:
        if ((uint64_t)a == MESSAGE_AT && (uint64_t)b == MESSAGE_MAX && finals) {
            memset(MESSAGE, 0, MESSAGE_MAX);
            return 0;
        }
        return call_of_program();
    default:
        MUST(n >= 0 && n < FORK);
        return call_of_program();
    }
}

/* The child runs at once: with CLONE_VM that is what the kernel does; without it the child has its
 * own copy of everything, so this process becomes the child, or the child is left out. */
long clone3_call(const struct clone_args *args, size_t size, void (*run_child)(void *), void *arg)
{
    MUST(size == sizeof *args && pending && !is_bad && !in_vm_child);
    if (++calls > CALLS_MAX || answer_bits() % 8 == 0)
        return -EAGAIN;
    if (args->flags & CLONE_VM) {
        MUST(args->flags & CLONE_VFORK);
        MUST(args->stack == (uint64_t)child_stack && args->stack_size == sizeof child_stack);
        in_vm_child = 1;
        if (!setjmp(end_of_child)) {
            if (answer_bits() % 8 == 0)
                longjmp(end_of_child, 1); /* killed before its first step */
            run_child(arg);
            MUST(!"a child must not return");
        }
        in_vm_child = 0;
    } else if (now.mode & CHILD && !is_child) {
        is_child = 1;
        run_child(arg);
        MUST(!"a child must not return");
    }
    return 1000;
}

/* ---- one input -------------------------------------------------------------------------------- */

static void map_areas(void)
{
    static const struct {
        uint64_t at, size;
    } areas[] = {{RESULTS_AT, RESULTS_SIZE},
                 {DESCRIPTORS_AT, DESCRIPTORS_SIZE},
                 {MESSAGE_AT, MESSAGE_MAX}};

    for (int i = 0; i < 3; i++)
        MUST(mmap((void *)areas[i].at, areas[i].size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
             (void *)areas[i].at);
#if defined(__SANITIZE_ADDRESS__) || defined(FUZZ_ASAN)
    extern void __asan_poison_memory_region(const volatile void *, size_t);

    /* the rest of the page */
    __asan_poison_memory_region((void *)(DESCRIPTORS_AT + DESCRIPTORS_SIZE),
                                4096 - DESCRIPTORS_SIZE % 4096);
#endif
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int mapped;

    if (!mapped) {
        map_areas();
        mapped = 1;
    }
    input = data;
    left = size;
    pending = in_vm_child = is_child = 0;
    answer = (struct instruction){0};
    fail = error = 0;
    if (!setjmp(end_of_process)) {
        start();
        MUST(!"init must not return");
    }
    switch (exit_code) {
    case 0: /* at the end of the stream only */
        MUST(!pending && left < sizeof now);
        break;
    case 1: /* no reply could be sent */
        MUST(attempts == 2 && !finals && now.mode & REFUSE2);
        break;
    case 127: /* a forked child's block failed */
        MUST(is_child);
        break;
    default:
        MUST(!"exit code");
    }
    return 0;
}

/* ---- without libFuzzer ------------------------------------------------------------------------ */

#ifdef STANDALONE
#define SEEDS_MAX 256
#define INPUT_MAX (1 << 20)

static struct {
    uint8_t *bytes;
    size_t size;
} seeds[SEEDS_MAX];
static size_t seed_count;
static uint64_t mutation_state;

static uint64_t mutation_bits(void)
{
    mutation_state ^= mutation_state << 13;
    mutation_state ^= mutation_state >> 7;
    mutation_state ^= mutation_state << 17;
    return mutation_state;
}

static void load_seeds(const char *directory)
{
    DIR *d = opendir(directory);
    struct dirent *entry;

    MUST(d);
    while ((entry = readdir(d)) && seed_count < SEEDS_MAX) {
        char path[4096];
        FILE *file;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        file = fopen(path, "rb");
        MUST(file);
        seeds[seed_count].bytes = malloc(INPUT_MAX);
        MUST(seeds[seed_count].bytes);
        seeds[seed_count].size = fread(seeds[seed_count].bytes, 1, INPUT_MAX / 2, file);
        fclose(file);
        seed_count++;
    }
    closedir(d);
    MUST(seed_count);
}

static void mutate(uint8_t *b, size_t *n)
{
    static const uint64_t interesting[] = {
        0, 1, 7, 8, 15, 16, 253, 254, 4095, 4096, 4097, FORK, REPLY, REPLY + 1, 0xffff, MESSAGE_MAX,
        MESSAGE_MAX - 8, RESULTS_AT, DESCRIPTORS_AT, MESSAGE_AT, MESSAGE_AT + MESSAGE_MAX,
        RESULTS_AT + RESULTS_SIZE, DESCRIPTORS_AT + DESCRIPTORS_SIZE, 0xffffffff, INT64_MAX,
        (uint64_t)INT64_MIN, ~0UL, ~0UL - 7, CLONE_VM | CLONE_VFORK, CLONE_VM, CLONE_PIDFD};

    for (uint64_t times = mutation_bits() % 8 + 1; times && *n; times--) {
        size_t at = mutation_bits() % *n;
        size_t room = *n - at;
        size_t length;

        switch (mutation_bits() % 6) {
        case 0:
            b[at] ^= (uint8_t)(1 << mutation_bits() % 8);
            break;
        case 1:
            b[at] = (uint8_t)mutation_bits();
            break;
        case 2: { /* a number that somebody compares with, aligned as often as not */
            uint64_t v = interesting[mutation_bits() % (sizeof interesting / sizeof *interesting)];

            length = (size_t)1 << mutation_bits() % 4;
            if (mutation_bits() % 2)
                at -= at % length;
            memcpy(b + at, &v, length < *n - at ? length : *n - at);
            break;
        }
        case 3: /* cut out */
            length = mutation_bits() % 128;
            if (length > room)
                length = room;
            memmove(b + at, b + at + length, room - length);
            *n -= length;
            break;
        case 4: { /* insert a piece of another */
            size_t other = mutation_bits() % seed_count, from;

            if (!seeds[other].size)
                break;
            from = mutation_bits() % seeds[other].size;
            length = mutation_bits() % (mutation_bits() % 4 ? 128 : 4096);
            if (length > seeds[other].size - from)
                length = seeds[other].size - from;
            if (*n + length > INPUT_MAX)
                break;
            memmove(b + at + length, b + at, room);
            memcpy(b + at, seeds[other].bytes + from, length);
            *n += length;
            break;
        }
        default: { /* append another stream */
            size_t other = mutation_bits() % seed_count;

            if (*n + seeds[other].size <= INPUT_MAX) {
                memcpy(b + *n, seeds[other].bytes, seeds[other].size);
                *n += seeds[other].size;
            }
        }
        }
    }
}

int main(int argc, char **argv)
{
    static uint8_t work[INPUT_MAX];
    unsigned long runs = argc > 1 ? strtoul(argv[1], 0, 10) : 100000, i;
    time_t seconds = argc > 4 ? atol(argv[4]) : 0, until = time(0) + seconds;

    mutation_state = argc > 2 ? strtoul(argv[2], 0, 10) : 1;
    load_seeds(argc > 3 ? argv[3] : "corpus/init");
    for (size_t k = 0; k < seed_count; k++)
        LLVMFuzzerTestOneInput(seeds[k].bytes, seeds[k].size);
    for (i = 0; seconds ? time(0) < until : i < runs; i++) {
        size_t which = mutation_bits() % seed_count, n = seeds[which].size;

        memcpy(work, seeds[which].bytes, n);
        mutate(work, &n);
        LLVMFuzzerTestOneInput(work, n);
    }
    printf("%zu seeds, %lu mutations, %u messages\n", seed_count, i, delivered);
    return 0;
}
#endif
