// SPDX-License-Identifier: Apache-2.0
// Tries system calls under a filter.
//
//     seccomp_try FILTER call NUMBER[:ARGUMENT...]...   a line for each: "returned N", "errno N",
//                                                       "signal N"
//     seccomp_try FILTER int80 NUMBER                   the same through the 32-bit entry
//     seccomp_try FILTER exec PROGRAM ARGUMENT...       becomes the program
//
// FILTER is a file of struct sock_filter; an empty one installs nothing.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sock_filter filter[4096];
static struct sock_fprog program = {.filter = filter};

static void install(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        (program.len && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))) {
        perror("seccomp");
        _exit(99);
    }
}

static long int80(long number)
{
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number) : "memory", "r8", "r9", "r10", "r11");
    return result;
#else
    (void)number;
    return -1;
#endif
}

static void attempt(const char *text, int compat)
{
    long a[7] = {0};
    char *end = (char *)text;
    for (int i = 0; i < 7; i++) {
        a[i] = (long)strtoull(end, &end, 0);
        if (*end++ != ':')
            break;
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        install();
        errno = 0;
        long result = compat ? int80(a[0]) : syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
        if (result == -1 && errno)
            printf("errno %d\n", errno);
        else
            printf("returned %ld\n", result);
        fflush(stdout);
        _exit(0);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child)
        exit(1);
    if (WIFSIGNALED(status))
        printf("signal %d\n", WTERMSIG(status));
    else if (WEXITSTATUS(status))
        printf("exit %d\n", WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    FILE *file = fopen(argv[1], "r");
    if (!file)
        return 1;
    program.len = fread(filter, sizeof *filter, sizeof filter / sizeof *filter, file);
    fclose(file);
    if (!strcmp(argv[2], "exec")) {
        install();
        execvp(argv[3], argv + 3);
        perror(argv[3]);
        return 1;
    }
    for (int i = 3; i < argc; i++)
        attempt(argv[i], !strcmp(argv[2], "int80"));
    return 0;
}
