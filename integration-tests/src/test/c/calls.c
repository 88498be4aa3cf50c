// SPDX-License-Identifier: Apache-2.0
/* Makes the system call that its argument names, for tests of profiles. Ends with 0 where the call
 * returns, whatever it returned. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <unistd.h>

static void make_socket(void)
{
    socket(AF_UNIX, SOCK_STREAM, 0);
}

static void make_process(void)
{
    if (fork() == 0) _exit(0);
}

static void execute(void)
{
    char *const none[] = {"true", NULL};
    execve("/bin/true", none, NULL);
}

static void remove_file(void)
{
    syscall(SYS_unlinkat, AT_FDCWD, "program", 0);
}

static void write_file(void)
{
    open("new", O_WRONLY | O_CREAT, 0600);
}

static void send_message(void)
{
    struct msghdr message = {0};
    sendmsg(3, &message, MSG_NOSIGNAL);
}

static void *socket_thread(void *unused)
{
    make_socket();
    return unused;
}

static void in_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, socket_thread, NULL);
    pthread_join(thread, NULL);
}

static void nothing(int signal)
{
    (void)signal;
}

/* Signals interrupt the wait of a call for its verdict. */
static void ignoring_signals(void)
{
    struct sigaction action = {.sa_handler = nothing};
    struct itimerval often = {{0, 200}, {0, 200}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (;;) make_socket();
}

static void forge(void)
{
    kill(getpid(), SIGSYS);
}

static void enter32(void)
{
#if defined(__x86_64__)
    long result = 20; /* getpid there */
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    if (result != -ENOSYS) exit(1);
#endif
}

static void enter_x32(void)
{
#if defined(__x86_64__)
    if (syscall(0x40000000 | SYS_getpid) != -1 || errno != ENOSYS) exit(1);
#endif
}

static void *share(void *sum)
{
    __atomic_fetch_add((long *)sum, 10, __ATOMIC_SEQ_CST);
    return NULL;
}

static void compute(void)
{
    pthread_t threads[4];
    long sum = 2;
    void *memory = malloc(64 << 20);
    memset(memory, 1, 64 << 20);
    free(memory);
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, share, &sum);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    printf("%ld of 4 threads\n", sum);
}

static void third(void)
{
    char text[16] = {0};
    read(3, text, sizeof text - 1);
    puts(text);
}

static void keys(void)
{
    printf("%ld\n", syscall(SYS_keyctl, 0, -3, 0)); /* the session keyring's serial number */
}

static void unshare_user(void)
{
    int result = unshare(CLONE_NEWUSER);
    printf("unshare: errno %d\n", result ? errno : 0);
}

static void make_device(void)
{
    int result = mknod("device", S_IFCHR | 0600, makedev(1, 3));
    printf("mknod: errno %d\n", result ? errno : 0);
}

static void rename_across(void)
{
    if (mkdir("a", 0700) || mkdir("b", 0700) || close(open("a/file", O_CREAT | O_WRONLY, 0600)) ||
        rename("a/file", "b/file") || link("b/file", "a/again"))
        exit(1);
}

static const struct {
    const char *name;
    void (*run)(void);
} deeds[] = {{"socket", make_socket},
             {"fork", make_process},
             {"execve", execute},
             {"unlink", remove_file},
             {"write_file", write_file},
             {"sendmsg", send_message},
             {"in_thread", in_thread},
             {"ignoring_signals", ignoring_signals},
             {"forge", forge},
             {"int80", enter32},
             {"x32", enter_x32},
             {"compute", compute},
             {"third", third},
             {"keyctl", keys},
             {"make_device", make_device},
             {"rename_across", rename_across},
             {"unshare_user", unshare_user}};

int main(int count, char **arguments)
{
    for (size_t i = 0; count > 1 && i < sizeof deeds / sizeof *deeds; i++)
        if (strcmp(arguments[1], deeds[i].name) == 0) {
            deeds[i].run();
            return 0;
        }
    return 2;
}
