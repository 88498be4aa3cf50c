// SPDX-License-Identifier: Apache-2.0
/*
 * WATCH, init's one compound instruction: waits for a program like ppoll(2), and sees to its time
 * limits meanwhile. No worker takes part in it, so that none can be late: whoever has stopped to
 * collect garbage finds the program ended all the same.
 *
 * The CPU time of all processes of a run can only be looked at. The more of it is left, the longer
 * may init sleep: what is left cannot be used up any sooner than by all cores together.
 */
#define NS_PER_S 1000000000LL
#define LOOK_NS 1000000LL /* between two looks at least: what a limit may be passed by */
#define WALL_MAX (1LL << 60)

/* A clock's time, or minus the error. */
static int64_t clock_now(long clock)
{
    struct timespec t = {0, 0};
    long r = raw(__NR_clock_gettime, clock, (long)&t, 0, 0, 0, 0);

    return r < 0 ? r : t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* CPU time used so far, in ns, or minus the error: the first number in the file, if there is one,
 * else the CPU clock of a process (the number of which is the kernel's, see posix-timers.c). */
static int64_t cpu_used(int64_t file, int64_t pid, uint64_t scale)
{
    char text[64];
    uint64_t value = 0;
    long n, i = 0;

    if (file < 0)
        return clock_now((long)(~(uint64_t)pid << 3 | 2));
    n = raw(__NR_pread64, file, (long)text, sizeof text, 0, 0, 0);
    while (i < n && (text[i] < '0' || text[i] > '9'))
        i++;
    if (n >= 0 && i == n)
        return -EBADMSG;
    for (; i < n && text[i] >= '0' && text[i] <= '9'; i++)
        value = value * 10 + (uint64_t)(text[i] - '0');
    return n < 0 ? n : (int64_t)(value * scale);
}

/* a: pollfds, how many, address of a struct watch, file of the CPU time or -1, pid. The result is
 * that of ppoll; 0 is the end of the wall time, -ETIME that of the CPU time. */
static long do_watch(const struct instruction *p)
{
    struct watch *w = (struct watch *)p->a[2];
    int64_t begin = clock_now(CLOCK_MONOTONIC), first = 0;

    if (p->a[2] & 7 || !inside(p->a[2], sizeof *w))
        return -EFAULT;
    if (w->wall < 0 || w->wall > WALL_MAX || w->cpu < 0 || w->cpu > WALL_MAX || w->cores < 1)
        return -EINVAL;
    if (w->cpu && (first = cpu_used(p->a[3], p->a[4], w->scale)) < 0)
        return first;
    for (int64_t used = 0;;) {
        int64_t span = begin + w->wall - clock_now(CLOCK_MONOTONIC);
        int64_t until_look = (w->cpu - used) / w->cores;
        struct timespec t;
        long ready;

        if (span <= 0)
            return 0;
        if (w->cpu && until_look < LOOK_NS)
            until_look = LOOK_NS;
        if (w->cpu && span > until_look)
            span = until_look;
        t = (struct timespec){span / NS_PER_S, span % NS_PER_S};
        ready = raw(__NR_ppoll, p->a[0], p->a[1], (long)&t, 0, 8, 0);
        if (ready && ready != -EINTR)
            return ready;
        if (w->cpu) {
            used = cpu_used(p->a[3], p->a[4], w->scale);
            if (used < 0)
                return used;
            used = used > first ? used - first : 0;
            if (used >= w->cpu)
                return -ETIME;
        }
    }
}
