// SPDX-License-Identifier: Apache-2.0
/* What the hostile programs share: how they say what they saw.
 *
 * Each program commits one misdeed and ends with
 *     0  the misdeed was contained, seen from inside
 *     1  the misdeed succeeded; standard output says how
 *     2  the program could not even begin; standard output says why
 * unless its head comment says that it has to be killed, or how else it ends. hostile.json lists
 * what a harness must observe.
 *
 *     cc -O1 -static -o NAME NAME.c
 *
 * All of them refuse to begin where no_new_privs is not set: outside a container some do harm.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define UNUSED __attribute__((unused))
#define PRINTF __attribute__((format(printf, 1, 2), unused))

_Noreturn static inline void end(int code, const char *word, const char *format, va_list arguments)
{
    int error = errno;
    printf("%s: ", word);
    vprintf(format, arguments);
    printf(" (errno %d, %s)\n", error, strerror(error));
    fflush(stdout);
    _exit(code);
}

/* The misdeed succeeded. */
PRINTF _Noreturn static void escaped(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    end(1, "escaped", format, arguments);
}

/* The program itself cannot do its work. */
PRINTF _Noreturn static void broken(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    end(2, "set-up", format, arguments);
}

/* The call must have failed, with whatever error. */
UNUSED static void refused(const char *what, long result)
{
    if (result >= 0) escaped("%s returned %ld", what, result);
}

/* The call must have failed because it is forbidden, not because of its arguments: any other error
 * means that it got past the gate. */
UNUSED static void forbidden(const char *what, long result)
{
    if (result >= 0) escaped("%s returned %ld", what, result);
    if (errno != EPERM && errno != EACCES && errno != ENOSYS) escaped("%s passed the gate", what);
}

/* The call is part of the set-up and must succeed. */
UNUSED static long must(const char *what, long result)
{
    if (result < 0) broken("%s", what);
    return result;
}

UNUSED static void only_confined(void)
{
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
        errno = 0;
        broken("runs in a container only");
    }
}

/* Runs a deed in a child and tells how that ended, as of wait(2). */
UNUSED static int status_of(void (*deed)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        deed();
        _exit(0);
    }
    must("fork", child);
    must("waitpid", waitpid(child, &status, 0));
    return status;
}

/* Did a child report an escape? One killed by the filter did not. */
UNUSED static int gave_up(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) != 0;
}

/* Uses the processor for a while; signals, sleeps and other processes do not shorten it. */
UNUSED static void burn(int milliseconds)
{
    struct timespec time;
    long used;
    do {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        used = time.tv_sec * 1000 + time.tv_nsec / 1000000;
    } while (used < milliseconds);
}

UNUSED static void pause_for_milliseconds(long milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

UNUSED static int is_mode(int count, char **arguments, const char *mode)
{
    return count > 1 && strcmp(arguments[1], mode) == 0;
}

#endif
