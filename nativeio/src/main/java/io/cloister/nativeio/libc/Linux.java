// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.libc;

import java.util.Map;

/**
 * The constants and struct layouts of the kernel's headers for the architecture this JVM runs on,
 * under their C names: {@code stat_st_size} is the offset of {@code st_size} in {@code struct
 * stat}, {@code stat_SIZE} the size of the struct. The values are read from what the build
 * extracted ({@code src/main/c/constants.c} lists the headers).
 */
@SuppressWarnings({"checkstyle:ConstantName", "MemberName", "ConstantCaseForConstants"})
public final class Linux {
    private static final Map<String, Long> VALUES =
            HeaderResource.read("linux-" + Architecture.current().machine() + ".properties");

    // init.h
    public static final int SOCK = (int) constant("SOCK");
    public static final int FORK = (int) constant("FORK");
    public static final int REPLY = (int) constant("REPLY");
    public static final int WATCH = (int) constant("WATCH");
    public static final int CONT = (int) constant("CONT");
    public static final int IGN = (int) constant("IGN");
    public static final int REPEAT = (int) constant("REPEAT");
    public static final int ALWAYS = (int) constant("ALWAYS");
    public static final int POSITIVE = (int) constant("POSITIVE");
    public static final int FINAL = (int) constant("FINAL");
    public static final int EARLY = (int) constant("EARLY");
    public static final long RESULTS_AT = constant("RESULTS_AT");
    public static final long DESCRIPTORS_AT = constant("DESCRIPTORS_AT");
    public static final long MESSAGE_AT = constant("MESSAGE_AT");
    public static final int COUNT_MAX = (int) constant("COUNT_MAX");
    public static final int DESCRIPTORS_MAX = (int) constant("DESCRIPTORS_MAX");
    public static final int MESSAGE_MAX = (int) constant("MESSAGE_MAX");
    public static final long NOT_RUN = constant("NOT_RUN");
    public static final int watch_wall = (int) constant("watch_wall");
    public static final int watch_cpu = (int) constant("watch_cpu");
    public static final int watch_scale = (int) constant("watch_scale");
    public static final int watch_cores = (int) constant("watch_cores");
    public static final int watch_SIZE = (int) constant("watch_SIZE");

    // errno.h: Errno.java names those it has words for; the rest by number
    public static final int EPERM = (int) constant("EPERM");
    public static final int ENOENT = (int) constant("ENOENT");
    public static final int ESRCH = (int) constant("ESRCH");
    public static final int EINTR = (int) constant("EINTR");
    public static final int EIO = (int) constant("EIO");
    public static final int ENXIO = (int) constant("ENXIO");
    public static final int E2BIG = (int) constant("E2BIG");
    public static final int ENOEXEC = (int) constant("ENOEXEC");
    public static final int EBADF = (int) constant("EBADF");
    public static final int ECHILD = (int) constant("ECHILD");
    public static final int EAGAIN = (int) constant("EAGAIN");
    public static final int ENOMEM = (int) constant("ENOMEM");
    public static final int EACCES = (int) constant("EACCES");
    public static final int EFAULT = (int) constant("EFAULT");
    public static final int ENOTBLK = (int) constant("ENOTBLK");
    public static final int EBUSY = (int) constant("EBUSY");
    public static final int EEXIST = (int) constant("EEXIST");
    public static final int EXDEV = (int) constant("EXDEV");
    public static final int ENODEV = (int) constant("ENODEV");
    public static final int ENOTDIR = (int) constant("ENOTDIR");
    public static final int EISDIR = (int) constant("EISDIR");
    public static final int EINVAL = (int) constant("EINVAL");
    public static final int ENFILE = (int) constant("ENFILE");
    public static final int EMFILE = (int) constant("EMFILE");
    public static final int ENOTTY = (int) constant("ENOTTY");
    public static final int ETXTBSY = (int) constant("ETXTBSY");
    public static final int EFBIG = (int) constant("EFBIG");
    public static final int ENOSPC = (int) constant("ENOSPC");
    public static final int ESPIPE = (int) constant("ESPIPE");
    public static final int EROFS = (int) constant("EROFS");
    public static final int EMLINK = (int) constant("EMLINK");
    public static final int EPIPE = (int) constant("EPIPE");
    public static final int EDOM = (int) constant("EDOM");
    public static final int ERANGE = (int) constant("ERANGE");
    public static final int EDEADLK = (int) constant("EDEADLK");
    public static final int ENAMETOOLONG = (int) constant("ENAMETOOLONG");
    public static final int ENOLCK = (int) constant("ENOLCK");
    public static final int ENOSYS = (int) constant("ENOSYS");
    public static final int ENOTEMPTY = (int) constant("ENOTEMPTY");
    public static final int ELOOP = (int) constant("ELOOP");
    public static final int ENODATA = (int) constant("ENODATA");
    public static final int ETIME = (int) constant("ETIME");
    public static final int EPROTO = (int) constant("EPROTO");
    public static final int EBADMSG = (int) constant("EBADMSG");
    public static final int EOVERFLOW = (int) constant("EOVERFLOW");
    public static final int ELIBBAD = (int) constant("ELIBBAD");
    public static final int EUSERS = (int) constant("EUSERS");
    public static final int ENOTSOCK = (int) constant("ENOTSOCK");
    public static final int EMSGSIZE = (int) constant("EMSGSIZE");
    public static final int EPROTONOSUPPORT = (int) constant("EPROTONOSUPPORT");
    public static final int EOPNOTSUPP = (int) constant("EOPNOTSUPP");
    public static final int EAFNOSUPPORT = (int) constant("EAFNOSUPPORT");
    public static final int ECONNRESET = (int) constant("ECONNRESET");
    public static final int ENOBUFS = (int) constant("ENOBUFS");
    public static final int ENOTCONN = (int) constant("ENOTCONN");
    public static final int ETIMEDOUT = (int) constant("ETIMEDOUT");
    public static final int ECONNREFUSED = (int) constant("ECONNREFUSED");
    public static final int EALREADY = (int) constant("EALREADY");
    public static final int EINPROGRESS = (int) constant("EINPROGRESS");
    public static final int ESTALE = (int) constant("ESTALE");
    public static final int EDQUOT = (int) constant("EDQUOT");
    public static final int ECANCELED = (int) constant("ECANCELED");
    public static final int EKEYREJECTED = (int) constant("EKEYREJECTED");
    public static final int EPROTOTYPE = (int) constant("EPROTOTYPE");
    public static final int EADDRINUSE = (int) constant("EADDRINUSE");
    public static final int ECONNABORTED = (int) constant("ECONNABORTED");
    public static final int ETOOMANYREFS = (int) constant("ETOOMANYREFS");

    // fcntl.h, linux/openat2.h
    public static final int AT_FDCWD = (int) constant("AT_FDCWD");
    public static final int AT_EMPTY_PATH = (int) constant("AT_EMPTY_PATH");
    public static final int AT_RECURSIVE = (int) constant("AT_RECURSIVE");
    public static final int AT_REMOVEDIR = (int) constant("AT_REMOVEDIR");
    public static final int AT_SYMLINK_NOFOLLOW = (int) constant("AT_SYMLINK_NOFOLLOW");
    public static final int AT_STATX_DONT_SYNC = (int) constant("AT_STATX_DONT_SYNC");
    public static final int AT_NO_AUTOMOUNT = (int) constant("AT_NO_AUTOMOUNT");
    public static final int O_RDONLY = (int) constant("O_RDONLY");
    public static final int O_ACCMODE = (int) constant("O_ACCMODE");
    public static final int O_WRONLY = (int) constant("O_WRONLY");
    public static final int O_RDWR = (int) constant("O_RDWR");
    public static final int O_CREAT = (int) constant("O_CREAT");
    public static final int O_EXCL = (int) constant("O_EXCL");
    public static final int O_TRUNC = (int) constant("O_TRUNC");
    public static final int O_APPEND = (int) constant("O_APPEND");
    public static final int O_NONBLOCK = (int) constant("O_NONBLOCK");
    public static final int O_CLOEXEC = (int) constant("O_CLOEXEC");
    public static final int O_DIRECTORY = (int) constant("O_DIRECTORY");
    public static final int O_NOFOLLOW = (int) constant("O_NOFOLLOW");
    public static final int O_PATH = (int) constant("O_PATH");
    public static final int O_NOCTTY = (int) constant("O_NOCTTY");
    public static final int F_DUPFD_CLOEXEC = (int) constant("F_DUPFD_CLOEXEC");
    public static final int F_GETFD = (int) constant("F_GETFD");
    public static final int F_SETFD = (int) constant("F_SETFD");
    public static final int F_GETFL = (int) constant("F_GETFL");
    public static final int F_SETFL = (int) constant("F_SETFL");
    public static final int FD_CLOEXEC = (int) constant("FD_CLOEXEC");
    public static final int F_ADD_SEALS = (int) constant("F_ADD_SEALS");
    public static final int F_GET_SEALS = (int) constant("F_GET_SEALS");
    public static final int F_SEAL_SEAL = (int) constant("F_SEAL_SEAL");
    public static final int F_SEAL_SHRINK = (int) constant("F_SEAL_SHRINK");
    public static final int F_SEAL_GROW = (int) constant("F_SEAL_GROW");
    public static final int F_SEAL_WRITE = (int) constant("F_SEAL_WRITE");
    public static final int SEEK_SET = (int) constant("SEEK_SET");
    public static final int SEEK_CUR = (int) constant("SEEK_CUR");
    public static final int SEEK_END = (int) constant("SEEK_END");
    public static final int RENAME_NOREPLACE = (int) constant("RENAME_NOREPLACE");
    public static final int F_OK = (int) constant("F_OK");
    public static final int RESOLVE_BENEATH = (int) constant("RESOLVE_BENEATH");
    public static final int RESOLVE_NO_MAGICLINKS = (int) constant("RESOLVE_NO_MAGICLINKS");
    public static final int RESOLVE_NO_SYMLINKS = (int) constant("RESOLVE_NO_SYMLINKS");
    public static final int RESOLVE_NO_XDEV = (int) constant("RESOLVE_NO_XDEV");
    public static final int open_how_SIZE = (int) constant("open_how_SIZE");
    public static final int open_how_flags = (int) constant("open_how_flags");
    public static final int open_how_mode = (int) constant("open_how_mode");
    public static final int open_how_resolve = (int) constant("open_how_resolve");

    // linux/mount.h, linux/magic.h
    public static final int MS_RDONLY = (int) constant("MS_RDONLY");
    public static final int MS_NOSUID = (int) constant("MS_NOSUID");
    public static final int MS_NODEV = (int) constant("MS_NODEV");
    public static final int MS_NOEXEC = (int) constant("MS_NOEXEC");
    public static final int MS_REMOUNT = (int) constant("MS_REMOUNT");
    public static final int MS_BIND = (int) constant("MS_BIND");
    public static final int MS_REC = (int) constant("MS_REC");
    public static final int MS_PRIVATE = (int) constant("MS_PRIVATE");
    public static final int MNT_DETACH = (int) constant("MNT_DETACH");
    public static final int UMOUNT_NOFOLLOW = (int) constant("UMOUNT_NOFOLLOW");
    public static final int OPEN_TREE_CLONE = (int) constant("OPEN_TREE_CLONE");
    public static final int OPEN_TREE_CLOEXEC = (int) constant("OPEN_TREE_CLOEXEC");
    public static final int MOVE_MOUNT_F_EMPTY_PATH = (int) constant("MOVE_MOUNT_F_EMPTY_PATH");
    public static final int FSOPEN_CLOEXEC = (int) constant("FSOPEN_CLOEXEC");
    public static final int FSCONFIG_CMD_CREATE = (int) constant("FSCONFIG_CMD_CREATE");
    public static final int FSMOUNT_CLOEXEC = (int) constant("FSMOUNT_CLOEXEC");
    public static final int MOUNT_ATTR_RDONLY = (int) constant("MOUNT_ATTR_RDONLY");
    public static final int MOUNT_ATTR_NOSUID = (int) constant("MOUNT_ATTR_NOSUID");
    public static final int MOUNT_ATTR_NODEV = (int) constant("MOUNT_ATTR_NODEV");
    public static final int MOUNT_ATTR_NOEXEC = (int) constant("MOUNT_ATTR_NOEXEC");
    public static final int mount_attr_SIZE = (int) constant("mount_attr_SIZE");
    public static final int mount_attr_attr_set = (int) constant("mount_attr_attr_set");
    public static final int TMPFS_MAGIC = (int) constant("TMPFS_MAGIC");

    // sys/stat.h, sys/statfs.h
    public static final int S_IFMT = (int) constant("S_IFMT");
    public static final int S_IFREG = (int) constant("S_IFREG");
    public static final int S_IFDIR = (int) constant("S_IFDIR");
    public static final int S_IFLNK = (int) constant("S_IFLNK");
    public static final int S_IFIFO = (int) constant("S_IFIFO");
    public static final int S_IFSOCK = (int) constant("S_IFSOCK");
    public static final int S_IFCHR = (int) constant("S_IFCHR");
    public static final int S_IFBLK = (int) constant("S_IFBLK");
    public static final int stat_SIZE = (int) constant("stat_SIZE");
    public static final int stat_st_mode = (int) constant("stat_st_mode");
    public static final int stat_st_uid = (int) constant("stat_st_uid");
    public static final int stat_st_gid = (int) constant("stat_st_gid");
    public static final int stat_st_size = (int) constant("stat_st_size");
    public static final int stat_st_ino = (int) constant("stat_st_ino");
    public static final int stat_st_dev = (int) constant("stat_st_dev");
    public static final int statx_SIZE = (int) constant("statx_SIZE");
    public static final int statx_stx_mask = (int) constant("statx_stx_mask");
    public static final int statx_stx_mode = (int) constant("statx_stx_mode");
    public static final int statx_stx_mnt_id = (int) constant("statx_stx_mnt_id");
    public static final int statx_stx_rdev_major = (int) constant("statx_stx_rdev_major");
    public static final int statx_stx_rdev_minor = (int) constant("statx_stx_rdev_minor");
    public static final int STATX_TYPE = (int) constant("STATX_TYPE");
    public static final int STATX_MNT_ID = (int) constant("STATX_MNT_ID");
    public static final int statfs_SIZE = (int) constant("statfs_SIZE");
    public static final int statfs_f_type = (int) constant("statfs_f_type");
    public static final int statfs_f_blocks = (int) constant("statfs_f_blocks");
    public static final int statfs_f_bfree = (int) constant("statfs_f_bfree");
    public static final int statfs_f_files = (int) constant("statfs_f_files");
    public static final int statfs_f_ffree = (int) constant("statfs_f_ffree");

    // linux/major.h, sys/file.h
    public static final int MEM_MAJOR = (int) constant("MEM_MAJOR");
    public static final int NULL_MINOR = (int) constant("NULL_MINOR");
    public static final int ZERO_MINOR = (int) constant("ZERO_MINOR");
    public static final int FULL_MINOR = (int) constant("FULL_MINOR");
    public static final int RANDOM_MINOR = (int) constant("RANDOM_MINOR");
    public static final int URANDOM_MINOR = (int) constant("URANDOM_MINOR");
    public static final int UNIX98_PTY_SLAVE_MAJOR = (int) constant("UNIX98_PTY_SLAVE_MAJOR");
    public static final int UNIX98_PTY_MAJOR_COUNT = (int) constant("UNIX98_PTY_MAJOR_COUNT");
    public static final int LOCK_EX = (int) constant("LOCK_EX");
    public static final int LOCK_NB = (int) constant("LOCK_NB");

    // dirent.h
    public static final int dirent64_d_reclen = (int) constant("dirent64_d_reclen");
    public static final int dirent64_d_type = (int) constant("dirent64_d_type");
    public static final int dirent64_d_name = (int) constant("dirent64_d_name");
    public static final int DT_DIR = (int) constant("DT_DIR");
    public static final int DT_UNKNOWN = (int) constant("DT_UNKNOWN");

    // sched.h, signal.h, sys/wait.h, poll.h, time.h
    public static final int CLONE_VM = (int) constant("CLONE_VM");
    public static final int CLONE_VFORK = (int) constant("CLONE_VFORK");
    public static final int CLONE_FILES = (int) constant("CLONE_FILES");
    public static final int CLONE_PIDFD = (int) constant("CLONE_PIDFD");
    public static final int CLONE_NEWNS = (int) constant("CLONE_NEWNS");
    public static final int CLONE_NEWCGROUP = (int) constant("CLONE_NEWCGROUP");
    public static final int CLONE_NEWUTS = (int) constant("CLONE_NEWUTS");
    public static final int CLONE_NEWIPC = (int) constant("CLONE_NEWIPC");
    public static final int CLONE_NEWUSER = (int) constant("CLONE_NEWUSER");
    public static final int CLONE_NEWPID = (int) constant("CLONE_NEWPID");
    public static final int CLONE_NEWNET = (int) constant("CLONE_NEWNET");
    public static final int CLONE_NEWTIME = (int) constant("CLONE_NEWTIME");
    public static final long CLONE_INTO_CGROUP = constant("CLONE_INTO_CGROUP");
    public static final int SIGCHLD = (int) constant("SIGCHLD");
    public static final int SIGKILL = (int) constant("SIGKILL");
    public static final int SIGXCPU = (int) constant("SIGXCPU");
    public static final int SIGXFSZ = (int) constant("SIGXFSZ");
    public static final int SIGSYS = (int) constant("SIGSYS");
    public static final int SIGSEGV = (int) constant("SIGSEGV");
    public static final int SIGTERM = (int) constant("SIGTERM");
    public static final int SIGSTOP = (int) constant("SIGSTOP");
    public static final int SIGALRM = (int) constant("SIGALRM");
    public static final int SIGHUP = (int) constant("SIGHUP");
    public static final int SIGINT = (int) constant("SIGINT");
    public static final int SIGQUIT = (int) constant("SIGQUIT");
    public static final int SIGILL = (int) constant("SIGILL");
    public static final int SIGTRAP = (int) constant("SIGTRAP");
    public static final int SIGABRT = (int) constant("SIGABRT");
    public static final int SIGBUS = (int) constant("SIGBUS");
    public static final int SIGFPE = (int) constant("SIGFPE");
    public static final int SIGUSR1 = (int) constant("SIGUSR1");
    public static final int SIGUSR2 = (int) constant("SIGUSR2");
    public static final int SIGPIPE = (int) constant("SIGPIPE");
    public static final int SIGSTKFLT = (int) constant("SIGSTKFLT");
    public static final int SIGCONT = (int) constant("SIGCONT");
    public static final int SIGTSTP = (int) constant("SIGTSTP");
    public static final int SIGTTIN = (int) constant("SIGTTIN");
    public static final int SIGTTOU = (int) constant("SIGTTOU");
    public static final int SIGURG = (int) constant("SIGURG");
    public static final int SIGVTALRM = (int) constant("SIGVTALRM");
    public static final int SIGPROF = (int) constant("SIGPROF");
    public static final int SIGWINCH = (int) constant("SIGWINCH");
    public static final int SIGIO = (int) constant("SIGIO");
    public static final int SIGPWR = (int) constant("SIGPWR");
    public static final int SIG_SETMASK = (int) constant("SIG_SETMASK");
    public static final int SIG_IGN = (int) constant("SIG_IGN");
    public static final int SIG_DFL = (int) constant("SIG_DFL");
    public static final int NSIG = (int) constant("NSIG");
    public static final int kernel_sigaction_SIZE = (int) constant("kernel_sigaction_SIZE");
    public static final int kernel_sigaction_handler = (int) constant("kernel_sigaction_handler");
    public static final int __WALL = (int) constant("__WALL");
    public static final int POLLIN = (int) constant("POLLIN");
    public static final int POLLOUT = (int) constant("POLLOUT");
    public static final int pollfd_SIZE = (int) constant("pollfd_SIZE");
    public static final int pollfd_fd = (int) constant("pollfd_fd");
    public static final int pollfd_events = (int) constant("pollfd_events");
    public static final int pollfd_revents = (int) constant("pollfd_revents");
    public static final int CLOCK_MONOTONIC = (int) constant("CLOCK_MONOTONIC");
    public static final int CLOCK_PROCESS_CPUTIME_ID = (int) constant("CLOCK_PROCESS_CPUTIME_ID");
    public static final int timespec_SIZE = (int) constant("timespec_SIZE");
    public static final int timespec_tv_sec = (int) constant("timespec_tv_sec");
    public static final int timespec_tv_nsec = (int) constant("timespec_tv_nsec");

    // sys/resource.h
    public static final int RLIMIT_CPU = (int) constant("RLIMIT_CPU");
    public static final int RLIMIT_FSIZE = (int) constant("RLIMIT_FSIZE");
    public static final int RLIMIT_DATA = (int) constant("RLIMIT_DATA");
    public static final int RLIMIT_STACK = (int) constant("RLIMIT_STACK");
    public static final int RLIMIT_CORE = (int) constant("RLIMIT_CORE");
    public static final int RLIMIT_RSS = (int) constant("RLIMIT_RSS");
    public static final int RLIMIT_NPROC = (int) constant("RLIMIT_NPROC");
    public static final int RLIMIT_NOFILE = (int) constant("RLIMIT_NOFILE");
    public static final int RLIMIT_MEMLOCK = (int) constant("RLIMIT_MEMLOCK");
    public static final int RLIMIT_AS = (int) constant("RLIMIT_AS");
    public static final int RLIMIT_LOCKS = (int) constant("RLIMIT_LOCKS");
    public static final int RLIMIT_SIGPENDING = (int) constant("RLIMIT_SIGPENDING");
    public static final int RLIMIT_MSGQUEUE = (int) constant("RLIMIT_MSGQUEUE");
    public static final int RLIMIT_NICE = (int) constant("RLIMIT_NICE");
    public static final int RLIMIT_RTPRIO = (int) constant("RLIMIT_RTPRIO");
    public static final int RLIMIT_RTTIME = (int) constant("RLIMIT_RTTIME");
    public static final long RLIM_INFINITY = constant("RLIM_INFINITY");
    public static final int RUSAGE_CHILDREN = (int) constant("RUSAGE_CHILDREN");
    public static final int RUSAGE_SELF = (int) constant("RUSAGE_SELF");
    public static final int rusage_SIZE = (int) constant("rusage_SIZE");
    public static final int rusage_ru_utime = (int) constant("rusage_ru_utime");
    public static final int rusage_ru_stime = (int) constant("rusage_ru_stime");
    public static final int rusage_ru_maxrss = (int) constant("rusage_ru_maxrss");
    public static final int PRIO_PROCESS = (int) constant("PRIO_PROCESS");
    public static final int PRIO_PGRP = (int) constant("PRIO_PGRP");
    public static final int PRIO_USER = (int) constant("PRIO_USER");
    public static final int IOPRIO_WHO_PROCESS = (int) constant("IOPRIO_WHO_PROCESS");
    public static final int IOPRIO_WHO_PGRP = (int) constant("IOPRIO_WHO_PGRP");
    public static final int IOPRIO_WHO_USER = (int) constant("IOPRIO_WHO_USER");

    // linux/prctl.h, linux/capability.h, linux/securebits.h, linux/close_range.h
    public static final int PR_SET_DUMPABLE = (int) constant("PR_SET_DUMPABLE");
    public static final int PR_SET_NO_NEW_PRIVS = (int) constant("PR_SET_NO_NEW_PRIVS");
    public static final int PR_CAPBSET_DROP = (int) constant("PR_CAPBSET_DROP");
    public static final int PR_SET_SECUREBITS = (int) constant("PR_SET_SECUREBITS");
    public static final int PR_SET_NAME = (int) constant("PR_SET_NAME");
    public static final int CAP_LAST_CAP = (int) constant("CAP_LAST_CAP");
    public static final int _LINUX_CAPABILITY_VERSION_3 =
            (int) constant("_LINUX_CAPABILITY_VERSION_3");
    public static final int __user_cap_header_struct_SIZE =
            (int) constant("__user_cap_header_struct_SIZE");
    public static final int __user_cap_data_struct_SIZE =
            (int) constant("__user_cap_data_struct_SIZE");
    public static final int SECBIT_NOROOT = (int) constant("SECBIT_NOROOT");
    public static final int SECBIT_NOROOT_LOCKED = (int) constant("SECBIT_NOROOT_LOCKED");
    public static final int SECBIT_NO_CAP_AMBIENT_RAISE =
            (int) constant("SECBIT_NO_CAP_AMBIENT_RAISE");
    public static final int SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED =
            (int) constant("SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED");
    public static final int CLOSE_RANGE_CLOEXEC = (int) constant("CLOSE_RANGE_CLOEXEC");
    public static final int ADDR_NO_RANDOMIZE = (int) constant("ADDR_NO_RANDOMIZE");

    // linux/landlock.h, linux/keyctl.h
    public static final int LANDLOCK_CREATE_RULESET_VERSION =
            (int) constant("LANDLOCK_CREATE_RULESET_VERSION");
    public static final int LANDLOCK_RULE_PATH_BENEATH =
            (int) constant("LANDLOCK_RULE_PATH_BENEATH");
    public static final int ruleset_SIZE = (int) constant("ruleset_SIZE");
    public static final int ruleset_handled_access_fs = (int) constant("ruleset_handled_access_fs");
    public static final int ruleset_handled_access_net =
            (int) constant("ruleset_handled_access_net");
    public static final int ruleset_scoped = (int) constant("ruleset_scoped");
    public static final int landlock_path_beneath_attr_SIZE =
            (int) constant("landlock_path_beneath_attr_SIZE");
    public static final int landlock_path_beneath_attr_allowed_access =
            (int) constant("landlock_path_beneath_attr_allowed_access");
    public static final int landlock_path_beneath_attr_parent_fd =
            (int) constant("landlock_path_beneath_attr_parent_fd");
    public static final int KEYCTL_JOIN_SESSION_KEYRING =
            (int) constant("KEYCTL_JOIN_SESSION_KEYRING");
    public static final long LANDLOCK_ACCESS_FS_REFER = constant("LANDLOCK_ACCESS_FS_REFER");
    public static final long LANDLOCK_ACCESS_FS_MAKE_CHAR =
            constant("LANDLOCK_ACCESS_FS_MAKE_CHAR");
    public static final long LANDLOCK_ACCESS_FS_MAKE_BLOCK =
            constant("LANDLOCK_ACCESS_FS_MAKE_BLOCK");
    public static final long LANDLOCK_SCOPE_SIGNAL = constant("LANDLOCK_SCOPE_SIGNAL");
    public static final long LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET =
            constant("LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET");

    // linux/seccomp.h, linux/filter.h, linux/audit.h
    public static final int AUDIT_ARCH_X86_64 = (int) constant("AUDIT_ARCH_X86_64");
    public static final int AUDIT_ARCH_AARCH64 = (int) constant("AUDIT_ARCH_AARCH64");
    public static final int AUDIT_ARCH_I386 = (int) constant("AUDIT_ARCH_I386");
    public static final int AUDIT_ARCH_ARM = (int) constant("AUDIT_ARCH_ARM");
    public static final int SECCOMP_RET_KILL_PROCESS = (int) constant("SECCOMP_RET_KILL_PROCESS");
    public static final int SECCOMP_RET_TRAP = (int) constant("SECCOMP_RET_TRAP");
    public static final int SECCOMP_RET_ERRNO = (int) constant("SECCOMP_RET_ERRNO");
    public static final int SECCOMP_RET_LOG = (int) constant("SECCOMP_RET_LOG");
    public static final int SECCOMP_RET_ALLOW = (int) constant("SECCOMP_RET_ALLOW");
    public static final int SECCOMP_RET_USER_NOTIF = (int) constant("SECCOMP_RET_USER_NOTIF");
    public static final int SECCOMP_USER_NOTIF_FLAG_CONTINUE =
            (int) constant("SECCOMP_USER_NOTIF_FLAG_CONTINUE");
    public static final long SECCOMP_IOCTL_NOTIF_RECV = constant("SECCOMP_IOCTL_NOTIF_RECV");
    public static final long SECCOMP_IOCTL_NOTIF_SEND = constant("SECCOMP_IOCTL_NOTIF_SEND");
    public static final int seccomp_notif_SIZE = (int) constant("seccomp_notif_SIZE");
    public static final int seccomp_notif_id = (int) constant("seccomp_notif_id");
    public static final int seccomp_notif_nr = (int) constant("seccomp_notif_nr");
    public static final int seccomp_notif_arch = (int) constant("seccomp_notif_arch");
    public static final int seccomp_notif_resp_SIZE = (int) constant("seccomp_notif_resp_SIZE");
    public static final int seccomp_notif_resp_id = (int) constant("seccomp_notif_resp_id");
    public static final int seccomp_notif_resp_flags = (int) constant("seccomp_notif_resp_flags");
    public static final int SECCOMP_RET_ACTION_FULL = (int) constant("SECCOMP_RET_ACTION_FULL");
    public static final int SECCOMP_RET_DATA = (int) constant("SECCOMP_RET_DATA");
    public static final int SECCOMP_SET_MODE_STRICT = (int) constant("SECCOMP_SET_MODE_STRICT");
    public static final int SECCOMP_SET_MODE_FILTER = (int) constant("SECCOMP_SET_MODE_FILTER");
    public static final int SECCOMP_GET_ACTION_AVAIL = (int) constant("SECCOMP_GET_ACTION_AVAIL");
    public static final int SECCOMP_GET_NOTIF_SIZES = (int) constant("SECCOMP_GET_NOTIF_SIZES");
    public static final int SECCOMP_FILTER_FLAG_NEW_LISTENER =
            (int) constant("SECCOMP_FILTER_FLAG_NEW_LISTENER");
    public static final int SECCOMP_FILTER_FLAG_TSYNC = (int) constant("SECCOMP_FILTER_FLAG_TSYNC");
    public static final int SECCOMP_FILTER_FLAG_LOG = (int) constant("SECCOMP_FILTER_FLAG_LOG");
    public static final int SECCOMP_DATA_NR = (int) constant("SECCOMP_DATA_NR");
    public static final int SECCOMP_DATA_ARCH = (int) constant("SECCOMP_DATA_ARCH");
    public static final int SECCOMP_DATA_INSTRUCTION_POINTER =
            (int) constant("SECCOMP_DATA_INSTRUCTION_POINTER");
    public static final int SECCOMP_DATA_ARGS = (int) constant("SECCOMP_DATA_ARGS");
    public static final int SECCOMP_DATA_SIZE = (int) constant("SECCOMP_DATA_SIZE");
    public static final int SOCK_FILTER_SIZE = (int) constant("SOCK_FILTER_SIZE");
    public static final int sock_fprog_SIZE = (int) constant("sock_fprog_SIZE");
    public static final int sock_fprog_len = (int) constant("sock_fprog_len");
    public static final int sock_fprog_filter = (int) constant("sock_fprog_filter");
    public static final int X32_SYSCALL_BIT = (int) constant("X32_SYSCALL_BIT");
    public static final int BPF_LD = (int) constant("BPF_LD");
    public static final int BPF_LDX = (int) constant("BPF_LDX");
    public static final int BPF_ALU = (int) constant("BPF_ALU");
    public static final int BPF_JMP = (int) constant("BPF_JMP");
    public static final int BPF_RET = (int) constant("BPF_RET");
    public static final int BPF_W = (int) constant("BPF_W");
    public static final int BPF_ABS = (int) constant("BPF_ABS");
    public static final int BPF_AND = (int) constant("BPF_AND");
    public static final int BPF_JA = (int) constant("BPF_JA");
    public static final int BPF_JEQ = (int) constant("BPF_JEQ");
    public static final int BPF_JGT = (int) constant("BPF_JGT");
    public static final int BPF_JGE = (int) constant("BPF_JGE");
    public static final int BPF_JSET = (int) constant("BPF_JSET");
    public static final int BPF_K = (int) constant("BPF_K");
    public static final int BPF_A = (int) constant("BPF_A");
    public static final int BPF_MAXINSNS = (int) constant("BPF_MAXINSNS");

    // sys/socket.h, sys/un.h, sys/ioctl.h, termios.h, sys/ttydefaults.h, sys/mman.h, unistd.h
    public static final int AF_UNSPEC = (int) constant("AF_UNSPEC");
    public static final int AF_UNIX = (int) constant("AF_UNIX");
    public static final int AF_INET = (int) constant("AF_INET");
    public static final int AF_INET6 = (int) constant("AF_INET6");
    public static final int AF_NETLINK = (int) constant("AF_NETLINK");
    public static final int AF_PACKET = (int) constant("AF_PACKET");
    public static final int AF_ALG = (int) constant("AF_ALG");
    public static final int AF_VSOCK = (int) constant("AF_VSOCK");
    public static final int SOCK_DGRAM = (int) constant("SOCK_DGRAM");
    public static final int SOCK_SEQPACKET = (int) constant("SOCK_SEQPACKET");
    public static final int SOCK_CLOEXEC = (int) constant("SOCK_CLOEXEC");
    public static final int SOCK_STREAM = (int) constant("SOCK_STREAM");
    public static final int SOCK_NONBLOCK = (int) constant("SOCK_NONBLOCK");
    public static final int SO_SNDTIMEO = (int) constant("SO_SNDTIMEO");
    public static final int SO_DOMAIN = (int) constant("SO_DOMAIN");
    public static final int SO_TYPE = (int) constant("SO_TYPE");
    public static final int SO_ACCEPTCONN = (int) constant("SO_ACCEPTCONN");
    public static final int SO_PASSCRED = (int) constant("SO_PASSCRED");
    public static final int SO_PASSSEC = (int) constant("SO_PASSSEC");
    public static final int SO_PASSPIDFD = (int) constant("SO_PASSPIDFD");
    public static final int SO_PEERCRED = (int) constant("SO_PEERCRED");
    public static final int SO_PEERGROUPS = (int) constant("SO_PEERGROUPS");
    public static final int ucred_SIZE = (int) constant("ucred_SIZE");
    public static final int ucred_pid = (int) constant("ucred_pid");
    public static final int ucred_uid = (int) constant("ucred_uid");
    public static final int ucred_gid = (int) constant("ucred_gid");
    public static final int sockaddr_un_SIZE = (int) constant("sockaddr_un_SIZE");
    public static final int sockaddr_un_sun_family = (int) constant("sockaddr_un_sun_family");
    public static final int sockaddr_un_sun_path = (int) constant("sockaddr_un_sun_path");
    public static final int timeval_SIZE = (int) constant("timeval_SIZE");
    public static final int timeval_tv_sec = (int) constant("timeval_tv_sec");
    public static final int timeval_tv_usec = (int) constant("timeval_tv_usec");
    public static final int SCM_MAX_FD = (int) constant("SCM_MAX_FD");
    public static final int MSG_NOSIGNAL = (int) constant("MSG_NOSIGNAL");
    public static final int SHUT_RDWR = (int) constant("SHUT_RDWR");
    public static final int SHUT_WR = (int) constant("SHUT_WR");
    public static final int SOL_SOCKET = (int) constant("SOL_SOCKET");
    public static final int SO_SNDBUF = (int) constant("SO_SNDBUF");
    public static final int SCM_RIGHTS = (int) constant("SCM_RIGHTS");
    public static final int MSG_CMSG_CLOEXEC = (int) constant("MSG_CMSG_CLOEXEC");
    public static final int MSG_DONTWAIT = (int) constant("MSG_DONTWAIT");
    public static final int MSG_PEEK = (int) constant("MSG_PEEK");
    public static final int MSG_TRUNC = (int) constant("MSG_TRUNC");
    public static final int MSG_CTRUNC = (int) constant("MSG_CTRUNC");
    public static final int msghdr_SIZE = (int) constant("msghdr_SIZE");
    public static final int msghdr_msg_iov = (int) constant("msghdr_msg_iov");
    public static final int msghdr_msg_iovlen = (int) constant("msghdr_msg_iovlen");
    public static final int msghdr_msg_control = (int) constant("msghdr_msg_control");
    public static final int msghdr_msg_controllen = (int) constant("msghdr_msg_controllen");
    public static final int msghdr_msg_flags = (int) constant("msghdr_msg_flags");
    public static final int iovec_SIZE = (int) constant("iovec_SIZE");
    public static final int iovec_iov_base = (int) constant("iovec_iov_base");
    public static final int iovec_iov_len = (int) constant("iovec_iov_len");
    public static final int cmsghdr_SIZE = (int) constant("cmsghdr_SIZE");
    public static final int cmsghdr_cmsg_len = (int) constant("cmsghdr_cmsg_len");
    public static final int cmsghdr_cmsg_level = (int) constant("cmsghdr_cmsg_level");
    public static final int cmsghdr_cmsg_type = (int) constant("cmsghdr_cmsg_type");
    public static final int TIOCSTI = (int) constant("TIOCSTI");
    public static final int TIOCLINUX = (int) constant("TIOCLINUX");
    public static final int TIOCSCTTY = (int) constant("TIOCSCTTY");
    public static final int TIOCSPTLCK = (int) constant("TIOCSPTLCK");
    public static final int TIOCGPTPEER = (int) constant("TIOCGPTPEER");
    public static final int TIOCSWINSZ = (int) constant("TIOCSWINSZ");
    public static final int TIOCGWINSZ = (int) constant("TIOCGWINSZ");
    public static final int termios_SIZE = (int) constant("termios_SIZE");
    public static final int TCSADRAIN = (int) constant("TCSADRAIN");
    public static final int FIONREAD = (int) constant("FIONREAD");
    public static final int winsize_SIZE = (int) constant("winsize_SIZE");
    public static final int winsize_ws_row = (int) constant("winsize_ws_row");
    public static final int winsize_ws_col = (int) constant("winsize_ws_col");
    public static final int CEOF = (int) constant("CEOF");
    public static final int MFD_CLOEXEC = (int) constant("MFD_CLOEXEC");
    public static final int MFD_ALLOW_SEALING = (int) constant("MFD_ALLOW_SEALING");
    public static final int MFD_EXEC = (int) constant("MFD_EXEC");

    // sys/epoll.h, sys/eventfd.h, linux/futex.h
    public static final int EPOLL_CLOEXEC = (int) constant("EPOLL_CLOEXEC");
    public static final int EPOLL_CTL_ADD = (int) constant("EPOLL_CTL_ADD");
    public static final int EPOLL_CTL_MOD = (int) constant("EPOLL_CTL_MOD");
    public static final int EPOLL_CTL_DEL = (int) constant("EPOLL_CTL_DEL");
    public static final int EPOLLIN = (int) constant("EPOLLIN");
    public static final int EPOLLOUT = (int) constant("EPOLLOUT");
    public static final int EPOLLERR = (int) constant("EPOLLERR");
    public static final int EPOLLHUP = (int) constant("EPOLLHUP");
    public static final int epoll_event_SIZE = (int) constant("epoll_event_SIZE");
    public static final int epoll_event_events = (int) constant("epoll_event_events");
    public static final int epoll_event_data = (int) constant("epoll_event_data");
    public static final int EFD_CLOEXEC = (int) constant("EFD_CLOEXEC");
    public static final int EFD_NONBLOCK = (int) constant("EFD_NONBLOCK");
    public static final int FUTEX_CMD_MASK = (int) constant("FUTEX_CMD_MASK");
    public static final int FUTEX_WAIT = (int) constant("FUTEX_WAIT");
    public static final int FUTEX_WAIT_BITSET = (int) constant("FUTEX_WAIT_BITSET");

    // spawn.h
    public static final int POSIX_SPAWN_SETSIGMASK = (int) constant("POSIX_SPAWN_SETSIGMASK");
    public static final int POSIX_SPAWN_SETSIGDEF = (int) constant("POSIX_SPAWN_SETSIGDEF");
    public static final int POSIX_SPAWN_SETSID = (int) constant("POSIX_SPAWN_SETSID");
    public static final int posix_spawnattr_SIZE = (int) constant("posix_spawnattr_SIZE");
    public static final int posix_spawn_file_actions_SIZE =
            (int) constant("posix_spawn_file_actions_SIZE");
    public static final int sigset_SIZE = (int) constant("sigset_SIZE");

    private Linux() {}

    /**
     * The value of a constant by its C name.
     *
     * @throws IllegalArgumentException when the build did not extract it
     */
    public static long constant(String name) {
        Long value = VALUES.get(name);
        if (value == null) {
            throw new IllegalArgumentException(name + " is not listed in constants.c");
        }
        return value;
    }
}
