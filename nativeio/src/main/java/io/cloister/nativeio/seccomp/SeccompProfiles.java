// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import static io.cloister.nativeio.seccomp.ArgumentCondition.int32;
import static io.cloister.nativeio.seccomp.ArgumentCondition.int64;

import io.cloister.nativeio.libc.Linux;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The policies that come with Cloister. */
public final class SeccompProfiles {

    private static final String STANDARD = "default";
    private static final String STRICT = "strict";
    private static final String NONE = "none";

    private SeccompProfiles() {}

    /**
     * The profile of that name, with or without its version: {@code default}, {@code default/2},
     * {@code strict}, {@code none}.
     */
    public static Optional<SeccompPolicy> find(String name) {
        return List.of(standard(), strict(), none()).stream()
                .filter(policy -> policy.name().equals(name) || policy.id().equals(name))
                .findFirst();
    }

    /** No filter at all. */
    public static SeccompPolicy none() {
        return new SeccompPolicy(
                NONE, 1, Action.allow(), Action.allow(), Action.allow(), List.of());
    }

    /**
     * {@code default/2}: what compilers and language runtimes (gcc, JVM, CPython, Node) need is
     * left alone, what could reach beyond the container or into the kernel's less trodden parts is
     * refused.
     *
     * <p>It allows by default, because allow-lists rot with every release of a C library; calls
     * younger than the headers of the build get ENOSYS, so that "by default" ends at what was
     * reviewed. The filter is one layer: the program also has a uid of its own, no capability, and
     * namespaces. Hence kill(2), System V IPC and POSIX queues (namespaced), the setuid family (no
     * capability) and memfd_create stay.
     *
     * <p>Refusals are ENOSYS where libraries know how to do without a young call, EPERM otherwise;
     * nothing here kills the program, so that a runtime that merely probes goes on, and so that a
     * death by SIGSYS is the program's own doing. Foreign entries (32-bit and x32) get ENOSYS, as
     * from a kernel without them.
     *
     * <p>Version 1 killed callers through foreign entries.
     *
     * <p><b>Not closed:</b> files that several containers share read-only remain covert channels:
     * flock(2), read locks of fcntl(2), inotify(7), the page cache (mincore(2), timing). flock is
     * what package managers and build tools rely on; where programs must not communicate, give each
     * container copies of what it may open. Nor can a filter follow pointers: limits on paths, on
     * {@code clone3} flags or on ioctl payloads are not its business.
     */
    public static SeccompPolicy standard() {
        List<SeccompRule> rules = new ArrayList<>();
        rules.addAll(namespacesAndMounts());
        rules.addAll(otherProcesses());
        rules.addAll(sockets());
        rules.addAll(kernelInterfaces());
        rules.addAll(administration());
        Action notImplemented = Action.errno("ENOSYS");
        return new SeccompPolicy(
                STANDARD, 2, Action.allow(), notImplemented, notImplemented, rules);
    }

    /**
     * {@code strict/1}: what a statically linked program of C, C++, Rust or Go needs to compute
     * from its standard input to its standard output, in one process with any number of threads.
     *
     * <p>Whatever else it calls ends the run and is named in the result. Runtimes probe at their
     * start; what they probe for fails without harm: opening for reading and looking at files
     * (EACCES), calls that libraries can do without (ENOSYS). Numbers that the headers do not know
     * get ENOSYS, too, so that the next C library still starts.
     */
    public static SeccompPolicy strict() {
        List<SeccompRule> rules = new ArrayList<>();
        rules.addAll(computing());
        rules.addAll(probes());
        return new SeccompPolicy(
                STRICT,
                1,
                Action.killProcess(),
                Action.errno("ENOSYS"),
                Action.killProcess(),
                rules);
    }

    private static List<SeccompRule> computing() {
        return List.of(
                SeccompRule.of(
                        Action.allow(),
                        // streams
                        "read",
                        "write",
                        "readv",
                        "writev",
                        "pread64",
                        "pwrite64",
                        "preadv",
                        "pwritev",
                        "lseek",
                        "close",
                        "fstat",
                        "dup",
                        "dup3",
                        "fcntl",
                        "fadvise64",
                        "fsync",
                        "fdatasync",
                        "pipe2",
                        "ppoll",
                        "pselect6",
                        "epoll_create1",
                        "epoll_ctl",
                        "epoll_pwait",
                        "eventfd2",
                        // memory
                        "brk",
                        "mmap",
                        "munmap",
                        "mremap",
                        "mprotect",
                        "madvise",
                        "mincore",
                        "membarrier",
                        // threads and time
                        "futex",
                        "set_robust_list",
                        "get_robust_list",
                        "set_tid_address",
                        "rseq",
                        "sched_yield",
                        "sched_getaffinity",
                        "sched_getparam",
                        "sched_getscheduler",
                        "sched_get_priority_max",
                        "sched_get_priority_min",
                        "getcpu",
                        "clock_gettime",
                        "clock_getres",
                        "clock_nanosleep",
                        "nanosleep",
                        "gettimeofday",
                        "times",
                        "getitimer",
                        "setitimer",
                        "timer_create",
                        "timer_settime",
                        "timer_gettime",
                        "timer_getoverrun",
                        "timer_delete",
                        "restart_syscall",
                        "exit",
                        "exit_group",
                        // signals: there is nobody else in the container to send one to
                        "rt_sigaction",
                        "rt_sigprocmask",
                        "rt_sigreturn",
                        "rt_sigpending",
                        "rt_sigtimedwait",
                        "rt_sigsuspend",
                        "sigaltstack",
                        "kill",
                        "tkill",
                        "tgkill",
                        // itself and its machine
                        "getpid",
                        "gettid",
                        "getppid",
                        "getuid",
                        "geteuid",
                        "getgid",
                        "getegid",
                        "getrandom",
                        "getrusage",
                        "getrlimit",
                        "setrlimit",
                        "sysinfo",
                        "uname"),
                // the same on x86-64, where the old calls still have numbers
                SeccompRule.of(
                                Action.allow(),
                                "dup2",
                                "pipe",
                                "poll",
                                "select",
                                "epoll_create",
                                "epoll_wait",
                                "eventfd",
                                "time",
                                "alarm",
                                "pause",
                                "arch_prctl")
                        .whereKnown(),
                SeccompRule.of(Action.allow(), "prlimit64").when(int32(0).equalTo(0)),
                SeccompRule.of(Action.allow(), "clone")
                        .when(
                                int64(0).maskedEqualTo(
                                                constant("CLONE_THREAD"),
                                                constant("CLONE_THREAD"))),
                // how fstat(3) asks on architectures without a call of its own
                SeccompRule.of(Action.allow(), "newfstatat")
                        .when(int32(3).hasAnyOf(constant("AT_EMPTY_PATH"))),
                SeccompRule.of(Action.allow(), "ioctl").when(int32(1).equalTo(constant("TCGETS"))),
                SeccompRule.of(Action.allow(), "prctl")
                        .when(int32(0).equalTo(constant("PR_SET_NAME"))));
    }

    private static List<SeccompRule> probes() {
        long writing = constant("O_ACCMODE") | constant("O_CREAT") | constant("O_TRUNC");
        Action denied = Action.errno("EACCES");
        return List.of(
                SeccompRule.of(denied, "openat").when(int32(2).maskedEqualTo(writing, 0)),
                SeccompRule.of(denied, "open")
                        .whereKnown()
                        .when(int32(1).maskedEqualTo(writing, 0)),
                SeccompRule.of(
                        denied, "newfstatat", "statx", "readlinkat", "faccessat", "faccessat2"),
                SeccompRule.of(denied, "stat", "lstat", "readlink", "access").whereKnown(),
                SeccompRule.of(Action.errno("ENOTTY"), "ioctl"),
                SeccompRule.of(Action.errno("EINVAL"), "prctl"),
                // clone(2) shows its flags; copying between streams has a plain way
                SeccompRule.of(
                        Action.errno("ENOSYS"), "clone3", "copy_file_range", "sendfile", "splice"),
                SeccompRule.of(
                                Action.errno("ENOSYS"),
                                "futex_waitv",
                                "futex_wake",
                                "futex_wait",
                                "futex_requeue",
                                "map_shadow_stack",
                                "mseal")
                        .whereKnown());
    }

    /** pivot_root does not keep a program from making user namespaces of its own. */
    private static List<SeccompRule> namespacesAndMounts() {
        Action notPermitted = Action.errno("EPERM");
        Action notImplemented = Action.errno("ENOSYS");
        return List.of(
                SeccompRule.of(
                        notPermitted,
                        "unshare",
                        "setns",
                        "chroot",
                        "mount",
                        "umount2",
                        "pivot_root",
                        "sethostname",
                        "setdomainname"),
                // Its flags are in memory, out of sight. glibc, musl and Go fall back to clone.
                SeccompRule.of(notImplemented, "clone3"),
                // CLONE_NEWTIME has no bit in clone(2): it would be part of the exit signal.
                SeccompRule.of(notPermitted, "clone")
                        .when(
                                int64(0).hasAnyOf(
                                                constant("CLONE_NEWNS")
                                                        | constant("CLONE_NEWCGROUP")
                                                        | constant("CLONE_NEWUTS")
                                                        | constant("CLONE_NEWIPC")
                                                        | constant("CLONE_NEWUSER")
                                                        | constant("CLONE_NEWPID")
                                                        | constant("CLONE_NEWNET"))),
                // libmount falls back to mount(2), which has the clearer answer.
                SeccompRule.of(
                                notImplemented,
                                "open_tree",
                                "open_tree_attr",
                                "move_mount",
                                "fsopen",
                                "fsconfig",
                                "fsmount",
                                "fspick",
                                "mount_setattr",
                                "statmount",
                                "listmount")
                        .whereKnown());
    }

    /**
     * Rootless containers have but one uid: the program shares it with PID 1, and what asks only
     * for the same uid must be refused here.
     */
    private static List<SeccompRule> otherProcesses() {
        Action notPermitted = Action.errno("EPERM");
        return List.of(
                SeccompRule.of(
                        notPermitted,
                        "ptrace",
                        "process_vm_readv",
                        "process_vm_writev",
                        "process_madvise",
                        "kcmp",
                        "pidfd_getfd",
                        "move_pages",
                        "migrate_pages"),
                SeccompRule.of(notPermitted, "process_mrelease").whereKnown(),
                SeccompRule.of(notPermitted, "prlimit64").when(int32(0).notEqualTo(0)),
                SeccompRule.of(
                                notPermitted,
                                "sched_setaffinity",
                                "sched_setscheduler",
                                "sched_setparam",
                                "sched_setattr")
                        .when(int32(0).equalTo(1)),
                SeccompRule.of(notPermitted, "setpriority", "ioprio_set").when(int32(1).equalTo(1)),
                SeccompRule.of(notPermitted, "setpriority")
                        .when(int32(0).equalTo(constant("PRIO_USER"))),
                SeccompRule.of(notPermitted, "ioprio_set")
                        .when(int32(0).equalTo(constant("IOPRIO_WHO_USER"))));
    }

    /**
     * Families that are namespaced and that runtimes use. AF_VSOCK reaches the hypervisor past the
     * network namespace, AF_ALG and AF_PACKET are large and rarely trodden.
     */
    private static List<SeccompRule> sockets() {
        return List.of(
                SeccompRule.of(Action.allow(), "socket", "socketpair")
                        .when(int32(0).equalTo(constant("AF_UNIX"))),
                SeccompRule.of(Action.allow(), "socket", "socketpair")
                        .when(int32(0).equalTo(constant("AF_INET"))),
                SeccompRule.of(Action.allow(), "socket", "socketpair")
                        .when(int32(0).equalTo(constant("AF_INET6"))),
                // Protocol 0, NETLINK_ROUTE: how getaddrinfo(3) and getifaddrs(3) ask for
                // addresses.
                SeccompRule.of(Action.allow(), "socket", "socketpair")
                        .when(int32(0).equalTo(constant("AF_NETLINK")), int32(2).equalTo(0)),
                SeccompRule.of(Action.errno("EAFNOSUPPORT"), "socket", "socketpair"));
    }

    private static List<SeccompRule> kernelInterfaces() {
        Action notPermitted = Action.errno("EPERM");
        Action notImplemented = Action.errno("ENOSYS");
        return List.of(
                // Keys outlive their creator and belong to the uid, not to a namespace.
                SeccompRule.of(notPermitted, "add_key", "request_key", "keyctl"),
                SeccompRule.of(
                        notPermitted,
                        "bpf",
                        "perf_event_open",
                        "userfaultfd",
                        "fanotify_init",
                        "fanotify_mark",
                        "name_to_handle_at",
                        "open_by_handle_at",
                        "mbind",
                        "set_mempolicy",
                        "syslog",
                        "lookup_dcookie"),
                SeccompRule.of(
                        notImplemented, "io_uring_setup", "io_uring_enter", "io_uring_register"),
                SeccompRule.of(notImplemented, "set_mempolicy_home_node").whereKnown(),
                // A listener could answer its children's calls, and hold them for ever.
                SeccompRule.of(notPermitted, "seccomp")
                        .when(int32(1).hasAnyOf(constant("SECCOMP_FILTER_FLAG_NEW_LISTENER"))),
                // Typing into a terminal that belongs to somebody else.
                SeccompRule.of(notPermitted, "ioctl").when(int32(1).equalTo(constant("TIOCSTI"))),
                SeccompRule.of(notPermitted, "ioctl").when(int32(1).equalTo(constant("TIOCLINUX"))),
                // Query, reset, and what debuggers and sanitizers ask for.
                SeccompRule.of(Action.allow(), "personality").when(int32(0).equalTo(0)),
                SeccompRule.of(Action.allow(), "personality").when(int32(0).equalTo(0xffff_ffffL)),
                SeccompRule.of(Action.allow(), "personality")
                        .when(int32(0).equalTo(constant("ADDR_NO_RANDOMIZE"))),
                SeccompRule.of(notPermitted, "personality"),
                // Only x86 has these; the segment descriptors are for DOS and Windows programs.
                SeccompRule.of(notPermitted, "iopl", "ioperm", "modify_ldt").whereKnown());
    }

    /** Each wants a capability that the program lacks; refused before the kernel looks. */
    private static List<SeccompRule> administration() {
        Action notPermitted = Action.errno("EPERM");
        return List.of(
                SeccompRule.of(
                        notPermitted,
                        "init_module",
                        "finit_module",
                        "delete_module",
                        "kexec_load",
                        "swapon",
                        "swapoff",
                        "reboot",
                        "settimeofday",
                        "clock_settime",
                        "adjtimex",
                        "clock_adjtime",
                        "acct",
                        "quotactl",
                        "vhangup",
                        "nfsservctl"),
                SeccompRule.of(notPermitted, "kexec_file_load", "quotactl_fd").whereKnown(),
                // Gone from the kernel or never there; among their neighbours they cost nothing.
                SeccompRule.of(
                                notPermitted,
                                "create_module",
                                "get_kernel_syms",
                                "query_module",
                                "getpmsg",
                                "putpmsg",
                                "afs_syscall",
                                "tuxcall",
                                "security",
                                "_sysctl",
                                "uselib",
                                "vserver")
                        .whereKnown());
    }

    private static long constant(String name) {
        return Linux.constant(name);
    }
}
