// SPDX-License-Identifier: Apache-2.0
/* Uses a known amount of something, for tests of limits and figures. What it burns it counts by its
 * own clocks, and says so: lines of a word and a number on standard output.
 *
 *     workload DEED NUMBER...
 */
#include "hostile.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define MIB (1L << 20)

static int milliseconds;

static void say(const char *word, long number)
{
    char line[64];
    int length = snprintf(line, sizeof line, "%s %ld\n", word, number);
    must("say", write(1, line, (size_t)length) - length);
}

static long used(clockid_t clock)
{
    struct timespec time;
    must("clock", clock_gettime(clock, &time));
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

/* What this process burnt, all threads. */
static void say_cpu(void)
{
    say("cpu", used(CLOCK_PROCESS_CPUTIME_ID));
}

/* In user mode: between looks at the clock, which are system calls. */
static void burn_in_user_mode(void)
{
    do
        for (volatile int i = 0; i < 100000; i++) {}
    while (used(CLOCK_THREAD_CPUTIME_ID) < milliseconds * 1000000L);
}

static void *burn_in_thread(void *none)
{
    burn_in_user_mode();
    return none;
}

static void burn_in_kernel(void)
{
    static char buffer[1 << 16];
    int zero = (int)must("open", open("/dev/zero", O_RDONLY));
    while (used(CLOCK_PROCESS_CPUTIME_ID) < milliseconds * 1000000L)
        must("read", read(zero, buffer, sizeof buffer));
    struct rusage usage;
    must("getrusage", getrusage(RUSAGE_SELF, &usage));
    say("system", usage.ru_stime.tv_sec * 1000000000L + usage.ru_stime.tv_usec * 1000L);
}

static void burn_in_threads(int count)
{
    pthread_t threads[64];
    for (int i = 0; i < count; i++)
        must("thread", -pthread_create(&threads[i], NULL, burn_in_thread, NULL));
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

/* Children burn and say so. The pipe's end of file is the last one's end of work; they may stay. */
static void burn_in_children(int count, int orphans, int stay)
{
    int done[2];
    must("pipe", pipe(done));
    for (int i = 0; i < count; i++) {
        if (must("fork", fork()) == 0) {
            if (orphans && must("fork", fork()) != 0) _exit(0);
            burn_in_user_mode();
            say_cpu();
            close(done[1]);
            while (stay) pause();
            _exit(0);
        }
    }
    close(done[1]);
    char byte;
    while (read(done[0], &byte, 1) < 0 && errno == EINTR) {}
    while (!stay && wait(NULL) > 0) {}
}

static char *take(long bytes)
{
    char *memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        say("refused", errno);
        exit(3);
    }
    return memory;
}

static char *touch(long bytes)
{
    char *memory = take(bytes);
    for (long at = 0; at < bytes; at += 4096) memory[at] = 1;
    return memory;
}

/* Children read what the parent touched, all at once: it is there but once. */
static void share(long bytes, int count)
{
    char *memory = touch(bytes);
    int go[2], ready[2];
    char byte = 0;
    must("pipe", pipe(go) | pipe(ready));
    for (int i = 0; i < count; i++) {
        if (must("fork", fork()) == 0) {
            long sum = 0;
            for (long at = 0; at < bytes; at += 4096) sum += memory[at];
            close(go[1]);
            must("write", write(ready[1], &byte, 1));
            must("read", read(go[0], &byte, 1));
            _exit(sum == bytes / 4096 ? 0 : 1);
        }
    }
    for (int i = 0; i < count; i++) must("read", read(ready[0], &byte, 1));
    close(go[1]);
    while (wait(NULL) > 0) {}
}

static void write_file(const char *path, long bytes)
{
    static char buffer[1 << 16];
    int file = (int)must("open", open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    long written = 0;
    while (written < bytes) {
        long rest = bytes - written;
        long n = write(file, buffer, (size_t)(rest < (long)sizeof buffer ? rest : (long)sizeof buffer));
        if (n < 0) {
            say("error", errno);
            break;
        }
        written += n;
    }
    say("written", written);
}

static void *stay(void *none)
{
    for (;;) pause();
    return none;
}

static void make_processes(int count, int threads)
{
    int made = 0;
    for (; made < count; made++) {
        pthread_t thread;
        if (threads) {
            if (pthread_create(&thread, NULL, stay, NULL) != 0) break;
        } else {
            pid_t child = fork();
            if (child < 0) break;
            if (child == 0) stay(NULL);
        }
    }
    say("made", made);
}

/* A frame for each KiB. */
static int recurse(long kib)
{
    volatile char frame[1024 - 64];
    frame[0] = (char)kib;
    return kib == 0 ? 0 : recurse(kib - 1) + frame[0];
}

static void open_files(int count)
{
    int highest = -1;
    for (int i = 0; i < count; i++) {
        int file = open("/dev/null", O_RDONLY);
        if (file < 0) break;
        highest = file;
    }
    say("highest", highest);
}

static void raise_limits(void)
{
    static const int resources[] = {RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_STACK, RLIMIT_NOFILE,
                                    RLIMIT_AS, RLIMIT_DATA, RLIMIT_CORE};
    for (size_t i = 0; i < COUNT(resources); i++) {
        struct rlimit now;
        must("getrlimit", getrlimit(resources[i], &now));
        if (now.rlim_max == RLIM_INFINITY) {
            say("unlimited", resources[i]);
            continue;
        }
        struct rlimit more = {now.rlim_max + 1, now.rlim_max + 1};
        refused("setrlimit", setrlimit(resources[i], &more));
    }
}

static void say_cores(void)
{
    cpu_set_t set;
    must("affinity", sched_getaffinity(0, sizeof set, &set));
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set)) say("core", i);
    CPU_ZERO(&set);
    for (int i = 0; i < 8; i++) CPU_SET(i, &set);
    sched_setaffinity(0, sizeof set, &set);
    must("affinity", sched_getaffinity(0, sizeof set, &set));
    say("cores", CPU_COUNT(&set));
}

/* Both in nanoseconds: what it had of the processor in this time. */
static void use_rate(void)
{
    long begin = used(CLOCK_MONOTONIC);
    while (used(CLOCK_MONOTONIC) - begin < milliseconds * 1000000L) {}
    say_cpu();
    say("wall", used(CLOCK_MONOTONIC) - begin);
}

int main(int count, char **arguments)
{
    const char *deed = count > 1 ? arguments[1] : "";
    long number = count > 2 ? atol(arguments[2]) : 0;
    int many = count > 3 ? atoi(arguments[3]) : 1;

    only_confined();
    milliseconds = (int)number;
    if (!strcmp(deed, "burn")) burn_in_user_mode();
    else if (!strcmp(deed, "burn-in-kernel")) burn_in_kernel();
    else if (!strcmp(deed, "burn-in-threads")) burn_in_threads(many);
    else if (!strcmp(deed, "burn-in-children")) burn_in_children(many, 0, 0);
    else if (!strcmp(deed, "burn-in-orphans")) burn_in_children(many, 1, 0);
    else if (!strcmp(deed, "burn-in-living-children")) burn_in_children(many, 0, 1);
    else if (!strcmp(deed, "burn-in-ignored-children")) {
        signal(SIGCHLD, SIG_IGN);
        burn_in_children(many, 0, 0);
    }
    else if (!strcmp(deed, "sleep")) pause_for_milliseconds(number);
    else if (!strcmp(deed, "touch")) touch(number * MIB);
    else if (!strcmp(deed, "reserve")) take(number * MIB);
    else if (!strcmp(deed, "free"))
        for (int i = 0; i < many; i++) munmap(touch(number * MIB), (size_t)(number * MIB));
    else if (!strcmp(deed, "share")) share(number * MIB, many);
    else if (!strcmp(deed, "write")) write_file("file", number);
    else if (!strcmp(deed, "make-processes")) make_processes((int)number, 0);
    else if (!strcmp(deed, "make-threads")) make_processes((int)number, 1);
    else if (!strcmp(deed, "recurse")) return recurse(number) * 0;
    else if (!strcmp(deed, "open")) open_files((int)number);
    else if (!strcmp(deed, "data")) say("break", sbrk(number * MIB) == (void *)-1 ? -1 : 0);
    else if (!strcmp(deed, "raise-limits")) raise_limits();
    else if (!strcmp(deed, "cores")) say_cores();
    else if (!strcmp(deed, "rate")) use_rate();
    else broken("no such deed: %s", deed);
    if (!strncmp(deed, "burn", 4)) say_cpu();
    fflush(stdout);
    _exit(0);
}
