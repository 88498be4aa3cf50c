// SPDX-License-Identifier: Apache-2.0
/* Every constant and struct layout that Java uses, by name. Compiled to assembly only (build.sh),
 * which leaves a line "@@NAME VALUE" for each: so the numbers are the headers', on either
 * architecture, and are typed nowhere else. io.cloister.nativeio.libc.Linux reads them. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf_common.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/keyctl.h>
#include <linux/landlock.h>
#include <linux/magic.h>
#include <linux/major.h>
#include <linux/openat2.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/ttydefaults.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define V(name, value) __asm__ volatile("@@" #name " %0" ::"i"((long)(value)));
#define C(name) __asm__ volatile("@@" #name " %0" ::"i"((long)(name)));
#define FIELD(type, field) V(type##_##field, offsetof(struct type, field))
#define SIZE(type) V(type##_SIZE, sizeof(struct type))

/* What only one architecture, or only newer headers have. */
#ifndef __X32_SYSCALL_BIT
#define __X32_SYSCALL_BIT 0
#endif
#ifndef MFD_EXEC /* linux/memfd.h since 6.3 */
#define MFD_EXEC 0x10U
#endif

#ifndef SO_PASSPIDFD /* asm-generic/socket.h since 6.5 */
#define SO_PASSPIDFD 76
#endif
#ifndef SCM_MAX_FD /* net/scm.h of the kernel, which userspace does not have: unix(7) */
#define SCM_MAX_FD 253
#endif

/* Minor numbers beside MEM_MAJOR, which only the kernel's admin-guide/devices.txt lists. */
enum { NULL_MINOR = 3, ZERO_MINOR = 5, FULL_MINOR = 7, RANDOM_MINOR = 8, URANDOM_MINOR = 9 };

/* The kernel's struct ksigaction for rt_sigaction(2), which no header of userspace declares. */
struct kernel_sigaction {
    void *handler;
    unsigned long flags;
    void *restorer;
    unsigned long mask;
};

#ifndef LANDLOCK_ACCESS_FS_REFER /* linux/landlock.h since 5.19 */
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_SCOPE_SIGNAL /* linux/landlock.h since 6.12 */
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif

/* struct landlock_ruleset_attr as of 6.12; older headers have its beginning. */
struct ruleset {
    unsigned long long handled_access_fs, handled_access_net, scoped;
};

/* linux/ioprio.h keeps these in an enum that older headers of userspace lack. */
enum { WHO_PROCESS = 1, WHO_PGRP, WHO_USER };

void constants(void);
void constants(void)
{
    /* init.h */
    C(SOCK) C(FORK) C(REPLY) C(WATCH) C(CONT) C(IGN) C(REPEAT) C(ALWAYS) C(POSITIVE) C(FINAL) C(EARLY)
    C(RESULTS_AT) C(DESCRIPTORS_AT) C(MESSAGE_AT) C(COUNT_MAX) C(DESCRIPTORS_MAX) C(MESSAGE_MAX)
    C(NOT_RUN)
    FIELD(watch, wall) FIELD(watch, cpu) FIELD(watch, scale) FIELD(watch, cores) SIZE(watch)

    /* errno.h: Errno.java names those it has words for; the rest by number */
    C(EPERM) C(ENOENT) C(ESRCH) C(EINTR) C(EIO) C(ENXIO) C(E2BIG) C(ENOEXEC) C(EBADF) C(ECHILD)
    C(EAGAIN) C(ENOMEM) C(EACCES) C(EFAULT) C(ENOTBLK) C(EBUSY) C(EEXIST) C(EXDEV) C(ENODEV)
    C(ENOTDIR) C(EISDIR) C(EINVAL) C(ENFILE) C(EMFILE) C(ENOTTY) C(ETXTBSY) C(EFBIG) C(ENOSPC)
    C(ESPIPE) C(EROFS) C(EMLINK) C(EPIPE) C(EDOM) C(ERANGE) C(EDEADLK) C(ENAMETOOLONG) C(ENOLCK)
    C(ENOSYS) C(ENOTEMPTY) C(ELOOP) C(ENODATA) C(ETIME) C(EPROTO) C(EBADMSG) C(EOVERFLOW) C(ELIBBAD)
    C(EUSERS) C(ENOTSOCK) C(EMSGSIZE) C(EPROTONOSUPPORT) C(EOPNOTSUPP) C(EAFNOSUPPORT)
    C(ECONNRESET) C(ENOBUFS) C(ENOTCONN) C(ETIMEDOUT) C(ECONNREFUSED) C(EALREADY) C(EINPROGRESS)
    C(ESTALE) C(EDQUOT) C(ECANCELED) C(EKEYREJECTED) C(EPROTOTYPE) C(EADDRINUSE) C(ECONNABORTED)
    C(ETOOMANYREFS)

    /* fcntl.h, linux/openat2.h */
    C(AT_FDCWD) C(AT_EMPTY_PATH) C(AT_RECURSIVE) C(AT_REMOVEDIR) C(AT_SYMLINK_NOFOLLOW)
    C(AT_STATX_DONT_SYNC) C(AT_NO_AUTOMOUNT)
    C(O_RDONLY) C(O_ACCMODE) C(O_WRONLY) C(O_RDWR) C(O_CREAT) C(O_EXCL) C(O_TRUNC) C(O_APPEND) C(O_NONBLOCK)
    C(O_CLOEXEC) C(O_DIRECTORY) C(O_NOFOLLOW) C(O_PATH) C(O_NOCTTY) C(F_DUPFD_CLOEXEC)
    C(F_GETFD) C(F_SETFD) C(F_GETFL) C(F_SETFL) C(FD_CLOEXEC) C(F_ADD_SEALS) C(F_GET_SEALS) C(F_SEAL_SEAL) C(F_SEAL_SHRINK)
    C(F_SEAL_GROW) C(F_SEAL_WRITE) C(SEEK_SET) C(SEEK_CUR)
    C(SEEK_END) C(RENAME_NOREPLACE) C(F_OK)
    C(RESOLVE_BENEATH) C(RESOLVE_NO_MAGICLINKS) C(RESOLVE_NO_SYMLINKS)
    C(RESOLVE_NO_XDEV) SIZE(open_how) FIELD(open_how, flags) FIELD(open_how, mode)
    FIELD(open_how, resolve)

    /* linux/mount.h, linux/magic.h */
    C(MS_RDONLY) C(MS_NOSUID) C(MS_NODEV) C(MS_NOEXEC) C(MS_REMOUNT) C(MS_BIND)
    C(MS_REC) C(MS_PRIVATE) C(MNT_DETACH) C(UMOUNT_NOFOLLOW) C(OPEN_TREE_CLONE) C(OPEN_TREE_CLOEXEC)
    C(MOVE_MOUNT_F_EMPTY_PATH) C(FSOPEN_CLOEXEC) C(FSCONFIG_CMD_CREATE)
    C(FSMOUNT_CLOEXEC) C(MOUNT_ATTR_RDONLY) C(MOUNT_ATTR_NOSUID) C(MOUNT_ATTR_NODEV)
    C(MOUNT_ATTR_NOEXEC) SIZE(mount_attr) FIELD(mount_attr, attr_set)
    C(TMPFS_MAGIC)

    /* sys/stat.h, sys/statfs.h */
    C(S_IFMT) C(S_IFREG) C(S_IFDIR) C(S_IFLNK) C(S_IFIFO) C(S_IFSOCK) C(S_IFCHR) C(S_IFBLK)
    SIZE(stat) FIELD(stat, st_mode) FIELD(stat, st_uid) FIELD(stat, st_gid) FIELD(stat, st_size)
    FIELD(stat, st_ino) FIELD(stat, st_dev)
    SIZE(statx) FIELD(statx, stx_mask) FIELD(statx, stx_mode) FIELD(statx, stx_mnt_id)
    FIELD(statx, stx_rdev_major) FIELD(statx, stx_rdev_minor) C(STATX_TYPE) C(STATX_MNT_ID)
    V(stat_mode_SIZE, sizeof(((struct stat *)0)->st_mode))
    SIZE(statfs) FIELD(statfs, f_type) FIELD(statfs, f_blocks) FIELD(statfs, f_bfree)
    FIELD(statfs, f_files) FIELD(statfs, f_ffree)

    /* linux/major.h, sys/file.h */
    C(MEM_MAJOR) C(NULL_MINOR) C(ZERO_MINOR) C(FULL_MINOR) C(RANDOM_MINOR) C(URANDOM_MINOR)
    C(UNIX98_PTY_SLAVE_MAJOR) C(UNIX98_PTY_MAJOR_COUNT) C(LOCK_EX) C(LOCK_NB)

    /* dirent.h: the same layout as the kernel's struct linux_dirent64 of getdents64(2) */
    FIELD(dirent64, d_reclen) FIELD(dirent64, d_type) FIELD(dirent64, d_name) C(DT_DIR)
    C(DT_UNKNOWN)

    /* sched.h, signal.h, sys/wait.h, poll.h, time.h */
    C(CLONE_VM) C(CLONE_VFORK) C(CLONE_FILES) C(CLONE_PIDFD) C(CLONE_THREAD) C(CLONE_NEWNS) C(CLONE_NEWCGROUP) C(CLONE_NEWUTS)
    C(CLONE_NEWIPC) C(CLONE_NEWUSER) C(CLONE_NEWPID) C(CLONE_NEWNET) C(CLONE_NEWTIME)
    C(CLONE_INTO_CGROUP) C(SIGCHLD) C(SIGKILL) C(SIGXCPU) C(SIGXFSZ)
    C(SIGSYS) C(SIGSEGV) C(SIGTERM) C(SIGSTOP) C(SIGALRM) C(SIGHUP) C(SIGINT) C(SIGQUIT) C(SIGILL)
    C(SIGTRAP) C(SIGABRT) C(SIGBUS) C(SIGFPE) C(SIGUSR1) C(SIGUSR2) C(SIGPIPE) C(SIGSTKFLT)
    C(SIGCONT) C(SIGTSTP) C(SIGTTIN) C(SIGTTOU) C(SIGURG) C(SIGVTALRM) C(SIGPROF) C(SIGWINCH)
    C(SIGIO) C(SIGPWR) C(SIG_SETMASK) V(SIG_IGN, 1) V(SIG_DFL, 0)
    V(NSIG, 64) SIZE(kernel_sigaction) FIELD(kernel_sigaction, handler) C(__WALL)
    C(POLLIN) C(POLLOUT) SIZE(pollfd) FIELD(pollfd, fd) FIELD(pollfd, events)
    FIELD(pollfd, revents) C(CLOCK_MONOTONIC) C(CLOCK_PROCESS_CPUTIME_ID) SIZE(timespec) FIELD(timespec, tv_sec)
    FIELD(timespec, tv_nsec)

    /* sys/resource.h */
    C(RLIMIT_CPU) C(RLIMIT_FSIZE) C(RLIMIT_DATA) C(RLIMIT_STACK) C(RLIMIT_CORE) C(RLIMIT_RSS)
    C(RLIMIT_NPROC) C(RLIMIT_NOFILE) C(RLIMIT_MEMLOCK) C(RLIMIT_AS) C(RLIMIT_LOCKS)
    C(RLIMIT_SIGPENDING) C(RLIMIT_MSGQUEUE) C(RLIMIT_NICE) C(RLIMIT_RTPRIO) C(RLIMIT_RTTIME)
    C(RLIM_INFINITY) C(RUSAGE_CHILDREN) C(RUSAGE_SELF) SIZE(rusage) FIELD(rusage, ru_utime)
    FIELD(rusage, ru_stime) FIELD(rusage, ru_maxrss) C(PRIO_PROCESS) C(PRIO_PGRP) C(PRIO_USER)
    V(IOPRIO_WHO_PROCESS, WHO_PROCESS) V(IOPRIO_WHO_PGRP, WHO_PGRP) V(IOPRIO_WHO_USER, WHO_USER)

    /* linux/prctl.h, linux/capability.h, linux/securebits.h, linux/close_range.h */
    C(PR_SET_DUMPABLE) C(PR_SET_NO_NEW_PRIVS) C(PR_CAPBSET_DROP) C(PR_SET_SECUREBITS)
    C(PR_SET_NAME)
    C(CAP_LAST_CAP) C(_LINUX_CAPABILITY_VERSION_3) SIZE(__user_cap_header_struct)
    SIZE(__user_cap_data_struct) C(SECBIT_NOROOT) C(SECBIT_NOROOT_LOCKED)
    C(SECBIT_NO_CAP_AMBIENT_RAISE)
    C(SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED) C(CLOSE_RANGE_CLOEXEC)
    C(ADDR_NO_RANDOMIZE)

    /* linux/landlock.h, linux/keyctl.h */
    C(LANDLOCK_CREATE_RULESET_VERSION) C(LANDLOCK_RULE_PATH_BENEATH) C(LANDLOCK_ACCESS_FS_REFER)
    C(LANDLOCK_ACCESS_FS_MAKE_CHAR) C(LANDLOCK_ACCESS_FS_MAKE_BLOCK) C(LANDLOCK_SCOPE_SIGNAL)
    C(LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET) SIZE(ruleset) FIELD(ruleset, handled_access_fs)
    FIELD(ruleset, handled_access_net) FIELD(ruleset, scoped) SIZE(landlock_path_beneath_attr)
    FIELD(landlock_path_beneath_attr, allowed_access) FIELD(landlock_path_beneath_attr, parent_fd)
    C(KEYCTL_JOIN_SESSION_KEYRING)

    /* linux/seccomp.h, linux/filter.h, linux/audit.h */
    C(AUDIT_ARCH_X86_64) C(AUDIT_ARCH_AARCH64) C(AUDIT_ARCH_I386) C(AUDIT_ARCH_ARM) C(SECCOMP_RET_KILL_PROCESS) C(SECCOMP_RET_TRAP)
    C(SECCOMP_RET_ERRNO) C(SECCOMP_RET_LOG) C(SECCOMP_RET_ALLOW) C(SECCOMP_RET_ACTION_FULL)
    C(SECCOMP_RET_DATA) C(SECCOMP_SET_MODE_STRICT) C(SECCOMP_SET_MODE_FILTER)
    C(SECCOMP_GET_ACTION_AVAIL) C(SECCOMP_GET_NOTIF_SIZES) C(SECCOMP_FILTER_FLAG_NEW_LISTENER)
    C(SECCOMP_FILTER_FLAG_TSYNC) C(SECCOMP_FILTER_FLAG_LOG)
    C(SECCOMP_RET_USER_NOTIF) C(SECCOMP_USER_NOTIF_FLAG_CONTINUE) C(SECCOMP_IOCTL_NOTIF_RECV)
    C(SECCOMP_IOCTL_NOTIF_SEND) SIZE(seccomp_notif) FIELD(seccomp_notif, id)
    V(seccomp_notif_nr, offsetof(struct seccomp_notif, data.nr))
    V(seccomp_notif_arch, offsetof(struct seccomp_notif, data.arch)) SIZE(seccomp_notif_resp)
    FIELD(seccomp_notif_resp, id) FIELD(seccomp_notif_resp, flags)
    V(SECCOMP_DATA_NR, offsetof(struct seccomp_data, nr))
    V(SECCOMP_DATA_ARCH, offsetof(struct seccomp_data, arch))
    V(SECCOMP_DATA_INSTRUCTION_POINTER, offsetof(struct seccomp_data, instruction_pointer))
    V(SECCOMP_DATA_ARGS, offsetof(struct seccomp_data, args))
    V(SECCOMP_DATA_SIZE, sizeof(struct seccomp_data))
    V(SOCK_FILTER_SIZE, sizeof(struct sock_filter)) SIZE(sock_fprog) FIELD(sock_fprog, len)
    FIELD(sock_fprog, filter) V(X32_SYSCALL_BIT, __X32_SYSCALL_BIT)
    C(BPF_LD) C(BPF_LDX) C(BPF_ALU) C(BPF_JMP) C(BPF_RET) C(BPF_W) C(BPF_ABS) C(BPF_AND) C(BPF_JA)
    C(BPF_JEQ) C(BPF_JGT) C(BPF_JGE) C(BPF_JSET) C(BPF_K) C(BPF_A) C(BPF_MAXINSNS)

    /* sys/socket.h, sys/un.h, sys/ioctl.h, termios.h, sys/ttydefaults.h, sys/mman.h, unistd.h */
    C(AF_UNSPEC) C(AF_UNIX) C(AF_INET) C(AF_INET6) C(AF_NETLINK) C(AF_PACKET) C(AF_ALG)
    C(AF_VSOCK) C(SOCK_DGRAM) C(SOCK_SEQPACKET) C(SOCK_CLOEXEC)
    C(SOCK_STREAM) C(SOCK_NONBLOCK) C(SO_SNDTIMEO) C(SO_DOMAIN) C(SO_TYPE) C(SO_ACCEPTCONN)
    C(SO_PASSCRED) C(SO_PASSSEC) C(SO_PASSPIDFD) C(SO_PEERCRED) C(SO_PEERGROUPS) SIZE(ucred)
    FIELD(ucred, pid) FIELD(ucred, uid) FIELD(ucred, gid) SIZE(sockaddr_un)
    FIELD(sockaddr_un, sun_family) FIELD(sockaddr_un, sun_path) SIZE(timeval)
    FIELD(timeval, tv_sec) FIELD(timeval, tv_usec) C(SCM_MAX_FD) C(MSG_NOSIGNAL)
    C(SHUT_RDWR) C(SHUT_WR) C(SOL_SOCKET) C(SO_SNDBUF) C(SCM_RIGHTS) C(MSG_CMSG_CLOEXEC)
    C(MSG_DONTWAIT) C(MSG_PEEK) C(MSG_TRUNC) C(MSG_CTRUNC) SIZE(msghdr) FIELD(msghdr, msg_iov) FIELD(msghdr, msg_iovlen)
    FIELD(msghdr, msg_control) FIELD(msghdr, msg_controllen) FIELD(msghdr, msg_flags) SIZE(iovec)
    FIELD(iovec, iov_base) FIELD(iovec, iov_len) SIZE(cmsghdr) FIELD(cmsghdr, cmsg_len)
    FIELD(cmsghdr, cmsg_level) FIELD(cmsghdr, cmsg_type)
    C(TCGETS) C(TIOCSTI) C(TIOCLINUX) C(TIOCSCTTY) C(TIOCSPTLCK) C(TIOCGPTPEER) C(TIOCSWINSZ)
    C(TIOCGWINSZ) C(FIONREAD) SIZE(termios) C(TCSADRAIN) SIZE(winsize) FIELD(winsize, ws_row)
    FIELD(winsize, ws_col) C(CEOF) C(MFD_CLOEXEC)
    C(MFD_ALLOW_SEALING) C(MFD_EXEC)

    /* sys/epoll.h, sys/eventfd.h, linux/futex.h */
    C(EPOLL_CLOEXEC) C(EPOLL_CTL_ADD) C(EPOLL_CTL_MOD) C(EPOLL_CTL_DEL) C(EPOLLIN) C(EPOLLOUT)
    C(EPOLLERR) C(EPOLLHUP) SIZE(epoll_event) FIELD(epoll_event, events) FIELD(epoll_event, data)
    C(EFD_CLOEXEC) C(EFD_NONBLOCK) C(FUTEX_CMD_MASK) C(FUTEX_WAIT) C(FUTEX_WAIT_BITSET)

    /* spawn.h */
    C(POSIX_SPAWN_SETSIGMASK) C(POSIX_SPAWN_SETSIGDEF) C(POSIX_SPAWN_SETSID)
    V(posix_spawnattr_SIZE, sizeof(posix_spawnattr_t))
    V(posix_spawn_file_actions_SIZE, sizeof(posix_spawn_file_actions_t))
    V(sigset_SIZE, sizeof(sigset_t))
}
