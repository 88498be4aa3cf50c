// SPDX-License-Identifier: Apache-2.0
//
// The first process of the emulated machine that vm.sh starts, from its initial RAM disk. It loads
// the modules that are beside it, lays a tmpfs over the host's files, which it only reads, makes
// that its root, and runs the shell script "command" of the shared directory, whose exit status it
// writes to "status" there. Then it turns the machine off. It ends it in any case: whatever goes
// wrong before leaves no status, and vm.sh reports that.
//
// The kernel's command line gives it, as environment (kernel-parameters.rst), the variable
// PROJECT: a directory of the host that must be visible even if it is below /tmp or /run.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define SHARED "/run/shared"
// The console, where the kernel and this program write, is another one.
#define TERMINAL "/dev/ttyS0"

static void power_off(void) {
    sync();
    reboot(RB_POWER_OFF);
    _exit(1);
}

static void check(int done, const char *what, const char *whom) {
    if (done < 0) {
        fprintf(stderr, "boot: %s %s: %s\n", what, whom, strerror(errno));
        power_off();
    }
}

static void load_modules(void) {
    char name[32];
    for (int i = 0;; i++) {
        snprintf(name, sizeof name, "/modules/%d", i);
        int fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            return;
        }
        check((int)syscall(SYS_finit_module, fd, "", 0), "loading module", name);
        close(fd);
    }
}

static void make_directories(const char *path) {
    char part[4096];
    for (size_t i = 1; i < sizeof part && path[i - 1]; i++) {
        if (path[i] == '/' || !path[i]) {
            snprintf(part, i + 1, "%s", path);
            check(mkdir(part, 0755) < 0 && errno != EEXIST ? -1 : 0, "making", part);
        }
    }
}

static void mount_on(const char *type, const char *from, const char *to, const char *options) {
    make_directories(to);
    check(mount(from, to, type, type[0] == '9' ? 0 : MS_NOSUID | MS_NODEV, options), "mounting", to);
}

// The root: the host's, read-only, under a tmpfs that takes what is written.
static void make_root(void) {
    const char *over = "lowerdir=/host,upperdir=/writes/upper,workdir=/writes/work";
    mount_on("9p", "host", "/host", "trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro");
    mount_on("tmpfs", "writes", "/writes", "mode=755");
    make_directories("/writes/upper");
    make_directories("/writes/work");
    make_directories("/root");
    check(mount("root", "/root", "overlay", 0, over), "mounting", "the root");
    check(chdir("/root"), "changing to", "the root");
    check(mount(".", "/", NULL, MS_MOVE, NULL), "moving", "the root");
    check(chroot("."), "changing to", "the root");
    check(chdir("/"), "changing to", "the root");
}

static void mount_all(const char *project) {
    int before = open(project, O_PATH | O_CLOEXEC);
    check(before, "opening", project);
    mount_on("proc", "proc", "/proc", NULL);
    mount_on("sysfs", "sysfs", "/sys", NULL);
    mount_on("cgroup2", "cgroup2", "/sys/fs/cgroup", NULL);
    mount_on("tmpfs", "run", "/run", "mode=755");
    mount_on("tmpfs", "tmp", "/tmp", "mode=1777");
    make_directories("/dev");
    check(mount("dev", "/dev", "devtmpfs", MS_NOSUID, "mode=755"), "mounting", "/dev");
    make_directories("/dev/pts");
    check(mount("pts", "/dev/pts", "devpts", MS_NOSUID, "gid=5,mode=620,ptmxmode=666"), "mounting",
          "/dev/pts");
    mount_on("tmpfs", "shm", "/dev/shm", "mode=1777");
    mount_on("mqueue", "mqueue", "/dev/mqueue", NULL);
    mount_on("9p", "shared", SHARED, "trans=virtio,version=9p2000.L,msize=512000");
    if (access(project, F_OK) < 0) {
        char opened[64];
        snprintf(opened, sizeof opened, "/proc/self/fd/%d", before);
        make_directories(project);
        check(mount(opened, project, NULL, MS_BIND, NULL), "mounting", project);
    }
    check(chdir(project), "changing to", project);
}

static void bring_loopback_up(void) {
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    check(ioctl(fd, SIOCSIFFLAGS, &loopback), "bringing up", "lo");
    close(fd);
}

static void run_command(void) {
    setsid();
    int terminal = open(TERMINAL, O_RDWR);
    check(terminal, "opening", TERMINAL);
    ioctl(terminal, TIOCSCTTY, 0);
    for (int fd = 0; fd < 3; fd++) {
        dup2(terminal, fd);
    }
    // What a program prints has no carriage returns before the ends of lines.
    struct termios mode;
    tcgetattr(0, &mode);
    mode.c_oflag &= ~(tcflag_t)OPOST;
    tcsetattr(0, TCSANOW, &mode);
    execl("/bin/bash", "bash", SHARED "/command", NULL);
    perror("boot: /bin/bash");
    _exit(127);
}

int main(void) {
    int status = 0;
    load_modules();
    make_root();
    mount_all(getenv("PROJECT"));
    bring_loopback_up();
    sethostname("vm", 2);

    pid_t command = fork();
    check(command, "starting", "the command");
    if (command == 0) {
        run_command();
    }
    while (wait(&status) != command) {
    }
    FILE *file = fopen(SHARED "/status", "w");
    check(file ? 0 : -1, "writing", SHARED "/status");
    fprintf(file, "%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    fclose(file);
    power_off();
}
