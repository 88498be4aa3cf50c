// SPDX-License-Identifier: Apache-2.0
/* What the container does, by hand in C: the other contender of the benchmarks.
 *
 * Reads a command per line from standard input and answers each with one line on standard output:
 * the nanoseconds it took, or `error STEP: MESSAGE`. So a harness can alternate it with the real
 * thing, one measurement each, in one loop. Nothing is timed but the operation itself: preparations
 * come before the first look at the clock, clean-up after the second.
 *
 *     exec PATH             vfork, execve, wait4; standard streams are /dev/null
 *     create BASE           a container: clone3 with seven namespaces, ids from BASE on, and the
 *                           file system that the arguments describe, until it says it is ready
 *     reset COUNT [BYTES]   a tmpfs holding COUNT files of BYTES bytes (0): umount, mount anew
 *
 * The arguments are the container's configuration, carried out in their order:
 *
 *     bind:PATH             the host's file or directory, recursively, read-only, nosuid, nodev
 *     device:PATH           the host's device file
 *     tmpfs:PATH=OPTIONS    options as of tmpfs(5)
 *     proc:PATH             a fresh, read-only proc
 *     link:PATH=TARGET      a symbolic link
 *     mask:PATH             a file becomes /dev/null, a directory an empty read-only tmpfs
 *
 * As an ordinary user the only id that can be mapped is one's own, and BASE is ignored.
 *
 *     cc -O2 -Wall -Wextra -o baseline baseline.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { READY_SECONDS = 10, IDS = 65536, SCRATCH_BASE = 1 << 24 };

/* An answer as it travels from a child: the nanoseconds, or the step that failed. */
struct answer {
    int64_t nanoseconds;
    int error;
    char step[PATH_MAX + 64];
};

static int answer_to = -1; /* in a child: where to report a failure */

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static struct answer failure(const char *step, const char *subject)
{
    struct answer answer = {.nanoseconds = -1, .error = errno};
    snprintf(answer.step, sizeof answer.step, "%s%s%s", step, *subject ? " " : "", subject);
    return answer;
}

/* In a child: reports the step that failed and ends, or returns when nothing did. */
static void must(long result, const char *step, const char *subject)
{
    if (result >= 0) return;
    struct answer answer = failure(step, subject);
    _exit(write(answer_to, &answer, sizeof answer) == sizeof answer ? 1 : 2);
}

/* ---- exec ---- */

static struct answer run_program(const char *path)
{
    char *const arguments[] = {(char *)path, NULL};
    char *const environment[] = {"PATH=/usr/bin:/bin", NULL};
    volatile int error = 0; /* shared with the child until it executes */
    int status;
    struct rusage usage;
    int64_t start = now();
    pid_t child = vfork();
    if (child == 0) {
        execve(path, arguments, environment);
        error = errno;
        _exit(127);
    }
    if (child < 0) return failure("vfork", "");
    if (wait4(child, &status, 0, &usage) < 0) return failure("wait4", "");
    int64_t end = now();
    if (error != 0) {
        errno = error;
        return failure("execve", path);
    }
    return (struct answer){.nanoseconds = end - start};
}

/* ---- create ---- */

static void set_attributes(const char *path, unsigned flags, uint64_t attributes)
{
    struct mount_attr set = {.attr_set = attributes};
    must(syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &set, sizeof set), "attributes", path);
}

/* Makes the directories above a relative path. */
static void make_parents(const char *path)
{
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", path);
    for (char *slash = strchr(parent, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(parent, 0755) < 0 && errno != EEXIST) must(-1, "mkdir", parent);
        *slash = '/';
    }
}

/* Makes the place for a mount, of the same kind as what will be mounted there. */
static void make_target(const char *path, int directory)
{
    make_parents(path);
    if (directory) {
        if (mkdir(path, 0755) < 0 && errno != EEXIST) must(-1, "mkdir", path);
    } else {
        int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        must(file, "create", path);
        close(file);
    }
}

static void mount_bind(const char *source, const char *target, uint64_t attributes)
{
    struct stat status;
    must(stat(source, &status), "stat", source);
    make_target(target, S_ISDIR(status.st_mode));
    must(mount(source, target, NULL, MS_BIND | MS_REC, NULL), "bind", source);
    set_attributes(target, AT_RECURSIVE, attributes);
}

static void mask(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0) return;
    if (S_ISDIR(status.st_mode))
        must(mount("tmpfs", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV, "size=0,nr_inodes=1"),
             "mask", path);
    else
        must(mount("/dev/null", path, NULL, MS_BIND, NULL), "mask", path);
}

/* Carries out one argument; the new root is the working directory, so a target is its path without
 * the leading slash. */
static void configure(const char *entry)
{
    char kind[16], path[PATH_MAX], *value;
    const char *colon = strchr(entry, ':');
    errno = EINVAL;
    if (colon == NULL || colon[1] != '/' || colon - entry >= (long)sizeof kind)
        must(-1, "argument", entry);
    snprintf(kind, sizeof kind, "%.*s", (int)(colon - entry), entry);
    snprintf(path, sizeof path, "%s", colon + 1);
    value = strchr(path, '=');
    if (value != NULL) *value++ = 0;
    const char *target = path + 1;

    if (strcmp(kind, "bind") == 0) {
        mount_bind(path, target, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    } else if (strcmp(kind, "device") == 0) {
        mount_bind(path, target, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    } else if (strcmp(kind, "tmpfs") == 0) {
        make_target(target, 1);
        must(mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, value), "tmpfs", path);
    } else if (strcmp(kind, "proc") == 0) {
        make_target(target, 1);
        must(mount("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL),
             "proc", path);
    } else if (strcmp(kind, "link") == 0 && value != NULL) {
        make_parents(target);
        must(symlink(value, target), "symlink", path);
    } else if (strcmp(kind, "mask") == 0) {
        mask(target);
    } else {
        must(-1, "argument", entry);
    }
}

/* The first process of the container: builds it, says so, and waits to be killed. */
static void be_container(char *const *configuration, int proceed, int ready)
{
    char byte = 0;
    answer_to = ready;
    if (read(proceed, &byte, 1) != 1) _exit(1);
    must(setresgid(0, 0, 0), "setresgid", "");
    must(setresuid(0, 0, 0), "setresuid", "");

    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make private", "/");
    must(mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755"), "tmpfs", "/");
    must(chdir("/tmp"), "chdir", "/tmp");
    for (; *configuration != NULL; configuration++) configure(*configuration);
    must(syscall(SYS_pivot_root, ".", "."), "pivot_root", "");
    must(umount2(".", MNT_DETACH), "detach", "the old root");
    must(chdir("/"), "chdir", "/");
    set_attributes("/", 0, MOUNT_ATTR_RDONLY);

    must(sethostname("cloister", 8), "sethostname", "");
    must(setdomainname("cloister", 8), "setdomainname", "");
    umask(0);
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        must(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "capability bounding set", "");
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs", "");
    must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "dumpable", "");

    struct answer done = {0};
    must(write(ready, &done, sizeof done), "write", "");
    for (;;) pause();
}

static int write_file(pid_t process, const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", process, name);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    long length = (long)strlen(text), written = write(file, text, (size_t)length);
    int error = errno;
    close(file);
    errno = error;
    return written == length ? 0 : -1;
}

static int map_ids(pid_t process, long base)
{
    char map[64];
    if (geteuid() == 0) {
        snprintf(map, sizeof map, "0 %ld %d", base, IDS);
        return write_file(process, "uid_map", map) | write_file(process, "gid_map", map);
    }
    snprintf(map, sizeof map, "0 %ld 1", (long)geteuid());
    if (write_file(process, "setgroups", "deny") < 0) return -1;
    if (write_file(process, "uid_map", map) < 0) return -1;
    snprintf(map, sizeof map, "0 %ld 1", (long)getegid());
    return write_file(process, "gid_map", map);
}

/* Waits for what a child has to say, with a bound: a child that hangs must not hang the harness. */
static struct answer await(int from, const char *who)
{
    struct answer answer;
    struct pollfd poll_from = {.fd = from, .events = POLLIN};
    errno = ETIMEDOUT;
    if (poll(&poll_from, 1, READY_SECONDS * 1000) <= 0) return failure("await", who);
    errno = EPIPE; /* for the end of file */
    if (read(from, &answer, sizeof answer) != sizeof answer) return failure("await", who);
    return answer;
}

static struct answer create_container(char *const *configuration, long base)
{
    int proceed[2], ready[2];
    if (pipe2(proceed, O_CLOEXEC) < 0) return failure("pipe", "");
    if (pipe2(ready, O_CLOEXEC) < 0) return failure("pipe", "");
    struct clone_args arguments = {
        .flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC
                 | CLONE_NEWUTS | CLONE_NEWCGROUP,
        .exit_signal = SIGCHLD,
    };
    struct answer answer;
    int64_t start = now();
    pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0) {
        close(proceed[1]);
        be_container(configuration, proceed[0], ready[1]);
    }
    close(proceed[0]);
    close(ready[1]);
    if (child < 0)
        answer = failure("clone3", "");
    else if (map_ids(child, base) < 0)
        answer = failure("map ids", "");
    else if (write(proceed[1], "", 1) != 1)
        answer = failure("proceed", "");
    else
        answer = await(ready[0], "the container");
    int64_t end = now();
    if (answer.error == 0) answer.nanoseconds = end - start;
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    close(proceed[1]);
    close(ready[0]);
    return answer;
}

/* ---- reset ---- */

static const char scratch[] = "/tmp";
static const char scratch_options[] = "size=256m,nr_inodes=65536,mode=755";

static void mount_scratch(void)
{
    must(mount("tmpfs", scratch, "tmpfs", MS_NOSUID | MS_NODEV, scratch_options), "tmpfs", scratch);
}

static void fill(int count, size_t bytes)
{
    char *content = calloc(1, bytes + 1), path[sizeof scratch + 16];
    errno = ENOMEM;
    must(content == NULL ? -1 : 0, "allocate", "");
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%d", scratch, i);
        int file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
        must(file, "create", path);
        must(write(file, content, bytes) == (ssize_t)bytes ? 0 : -1, "write", path);
        close(file);
    }
    free(content);
}

/* The owner of the mount namespace in which the measurement takes place. */
static void be_remounter(int count, size_t bytes, int proceed, int to)
{
    char byte = 0;
    answer_to = to;
    if (read(proceed, &byte, 1) != 1) _exit(1);
    must(setresgid(0, 0, 0), "setresgid", "");
    must(setresuid(0, 0, 0), "setresuid", "");
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make private", "/");
    mount_scratch();
    fill(count, bytes);
    int64_t start = now();
    must(umount2(scratch, 0), "umount", scratch);
    mount_scratch();
    struct answer answer = {.nanoseconds = now() - start};
    must(write(to, &answer, sizeof answer), "write", "");
    _exit(0);
}

static struct answer reset_files(int count, size_t bytes)
{
    int proceed[2], done[2];
    if (pipe2(proceed, O_CLOEXEC) < 0) return failure("pipe", "");
    if (pipe2(done, O_CLOEXEC) < 0) return failure("pipe", "");
    struct clone_args arguments = {.flags = CLONE_NEWUSER | CLONE_NEWNS, .exit_signal = SIGCHLD};
    struct answer answer;
    pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0) {
        close(proceed[1]);
        be_remounter(count, bytes, proceed[0], done[1]);
    }
    close(proceed[0]);
    close(done[1]);
    if (child < 0)
        answer = failure("clone3", "");
    else if (map_ids(child, SCRATCH_BASE) < 0)
        answer = failure("map ids", "");
    else if (write(proceed[1], "", 1) != 1)
        answer = failure("proceed", "");
    else
        answer = await(done[0], "the remount");
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    close(proceed[1]);
    close(done[0]);
    return answer;
}

/* ---- the conversation ---- */

static struct answer obey(char *command, char *const *configuration)
{
    char path[PATH_MAX];
    long first, second = 0;
    command[strcspn(command, "\n")] = 0;
    if (sscanf(command, "exec %4095s", path) == 1) return run_program(path);
    if (sscanf(command, "create %ld", &first) == 1 && first >= 0)
        return create_container(configuration, first);
    if (sscanf(command, "reset %ld %ld", &first, &second) >= 1 && first >= 0 && first < 65536
        && second >= 0 && second <= 1 << 20)
        return reset_files((int)first, (size_t)second);
    errno = EINVAL;
    return failure("command", command);
}

int main(int count, char **arguments)
{
    static char *defaults[] = {
        "bind:/usr", "bind:/etc/alternatives",
        "device:/dev/null", "device:/dev/zero", "device:/dev/full",
        "device:/dev/random", "device:/dev/urandom",
        "link:/bin=usr/bin", "link:/lib=usr/lib", "link:/lib64=usr/lib64", "link:/sbin=usr/sbin",
        "link:/dev/fd=/proc/self/fd", "link:/dev/stdin=/proc/self/fd/0",
        "link:/dev/stdout=/proc/self/fd/1", "link:/dev/stderr=/proc/self/fd/2",
        "proc:/proc",
        "tmpfs:/w=size=256m,nr_inodes=65536,mode=755",
        "tmpfs:/tmp=size=256m,nr_inodes=65536,mode=1777",
        "mask:/proc/acpi", "mask:/proc/asound", "mask:/proc/kcore", "mask:/proc/keys",
        "mask:/proc/latency_stats", "mask:/proc/timer_list", "mask:/proc/timer_stats",
        "mask:/proc/sched_debug", "mask:/proc/scsi", NULL,
    };
    /* The conversation moves out of the way of the programs' standard streams. */
    int in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
    int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (in < 0 || out < 0 || null < 0) return 2;
    for (int stream = 0; stream <= 2; stream++)
        if (dup2(null, stream) < 0) return 2;
    close(null);
    signal(SIGPIPE, SIG_DFL);

    FILE *commands = fdopen(in, "re"), *answers = fdopen(out, "we");
    if (commands == NULL || answers == NULL) return 2;
    char command[PATH_MAX + 16];
    while (fgets(command, sizeof command, commands) != NULL) {
        struct answer answer = obey(command, count > 1 ? arguments + 1 : defaults);
        if (answer.error != 0)
            fprintf(answers, "error %s: %s\n", answer.step, strerror(answer.error));
        else
            fprintf(answers, "%lld\n", (long long)answer.nanoseconds);
        if (fflush(answers) != 0) return 1;
    }
    return 0;
}
