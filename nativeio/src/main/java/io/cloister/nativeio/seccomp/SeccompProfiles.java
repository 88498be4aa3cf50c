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
    private static final String NONE = "none";

    private SeccompProfiles() {}

    /**
     * The profile of that name, with or without its version: {@code default}, {@code default/1},
     * {@code none}.
     */
    public static Optional<SeccompPolicy> find(String name) {
        return List.of(standard(), none()).stream()
                .filter(policy -> policy.name().equals(name) || policy.id().equals(name))
                .findFirst();
    }

    /** No filter at all. */
    public static SeccompPolicy none() {
        return new SeccompPolicy(NONE, 1, Action.allow(), Action.allow(), List.of());
    }

    /**
     * {@code default/1}: what compilers and language runtimes (gcc, JVM, CPython, Node) need is
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
     * nothing here kills the program, so that a runtime that merely probes goes on.
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
        return new SeccompPolicy(STANDARD, 1, Action.allow(), Action.errno("ENOSYS"), rules);
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
