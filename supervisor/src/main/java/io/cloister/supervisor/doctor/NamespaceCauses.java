// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.doctor;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Why namespaces are denied. The kernel says EPERM or ENOSPC for a dozen reasons; which one it was
 * is read from its settings: user_namespaces(7), clone(2),
 * Documentation/admin-guide/sysctl/user.rst.
 */
final class NamespaceCauses {
    private static final Errno ENOSPC = new Errno(Linux.ENOSPC);
    private static final Errno EUSERS = new Errno(Linux.EUSERS);

    private static final String FILTERED = "2";

    private static final String OUTER_CONTAINER =
            "start the outer container with --security-opt seccomp=packaging/container/seccomp.json"
                    + " --security-opt apparmor=unconfined --security-opt systempaths=unconfined"
                    + " (Kubernetes: securityContext.privileged); docs/deployment.md, \"In a"
                    + " container\", says what each is for";

    private final HostFiles files;
    private final boolean root;

    /**
     * @param root whether this process's effective user is root
     */
    NamespaceCauses(HostFiles files, boolean root) {
        this.files = files;
        this.root = root;
    }

    /** Why no user namespace could be made. */
    Cause ofUserNamespaces(Errno errno) {
        if (!files.exists("/proc/self/ns/user")) {
            return new Cause(
                    "this kernel has no user namespaces",
                    "use a kernel with CONFIG_USER_NS=y, as all common distributions have");
        }
        OptionalLong most = files.number("/proc/sys/user/max_user_namespaces");
        if (most.isPresent() && most.getAsLong() == 0) {
            return new Cause(
                    "forbidden: user.max_user_namespaces is 0",
                    permanently("user.max_user_namespaces=15000"));
        }
        if (errno.equals(ENOSPC) || errno.equals(EUSERS)) {
            return new Cause(
                    "%s: more than user.max_user_namespaces (%s) exist, or they are nested too deep"
                            .formatted(
                                    errno.symbol(),
                                    most.isPresent() ? most.getAsLong() : "unknown"),
                    "end what holds them (lsns -t user lists them), or raise the limit: "
                            + permanently("user.max_user_namespaces=15000"));
        }
        if (!root && isOff("/proc/sys/kernel/unprivileged_userns_clone")) {
            return new Cause(
                    "forbidden to ordinary users: kernel.unprivileged_userns_clone is 0",
                    permanently("kernel.unprivileged_userns_clone=1") + ", or run as root");
        }
        return ofDenial("user namespaces", errno);
    }

    /** Why a namespace of another kind could not be made where user namespaces can. */
    Cause ofOtherNamespaces(String kind, Errno errno) {
        String setting = "user.max_" + kind + "_namespaces";
        OptionalLong most = files.number("/proc/sys/" + setting.replace('.', '/'));
        if (errno.equals(ENOSPC)) {
            return new Cause(
                    "%s: more than %s (%s) exist"
                            .formatted(
                                    errno.symbol(),
                                    setting,
                                    most.isPresent() ? most.getAsLong() : "unknown"),
                    permanently(setting + "=15000"));
        }
        if (errno.equals(Errno.EINVAL)) {
            return new Cause(
                    "this kernel has no %s namespaces".formatted(kind),
                    "use a kernel with all namespaces, as all common distributions have");
        }
        return ofDenial(kind + " namespaces", errno);
    }

    /** Why ids could not be mapped, or why what root may do in its own namespace is denied. */
    Cause ofCapabilities(String what, Errno errno) {
        return ofDenial(what, errno);
    }

    /** Why proc cannot be mounted inside. */
    Cause ofProc(Errno errno) {
        List<String> covers =
                files.lines("/proc/self/mountinfo").stream()
                        .map(line -> line.split(" "))
                        .filter(fields -> fields.length > 4 && fields[4].startsWith("/proc/"))
                        .map(fields -> fields[4])
                        .distinct()
                        .toList();
        if (errno.equals(Errno.EPERM) && !covers.isEmpty()) {
            return new Cause(
                    "forbidden, because parts of this machine's /proc are hidden: "
                            + String.join(", ", covers.subList(0, Math.min(4, covers.size())))
                            + (covers.size() > 4 ? ", …" : ""),
                    "unmount what hides them, or start the outer container with --security-opt"
                            + " systempaths=unconfined (Kubernetes: procMount: Unmasked)");
        }
        return ofDenial("mounting proc", errno);
    }

    private Cause ofDenial(String what, Errno errno) {
        if (!root && isOn("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")) {
            return new Cause(
                    errno.symbol()
                            + ": AppArmor takes the capabilities of ordinary users' namespaces"
                            + " (kernel.apparmor_restrict_unprivileged_userns is 1)",
                    permanently("kernel.apparmor_restrict_unprivileged_userns=0")
                            + ", or give the JVM's executable an AppArmor profile with the rule"
                            + " 'userns,', or run as root");
        }
        if (errno.equals(Errno.EPERM) && isChrooted()) {
            return new Cause(
                    "EPERM: this process is in a chroot, where " + what + " are forbidden",
                    "leave the chroot; a container made with pivot_root will do");
        }
        if (isFiltered()) {
            return new Cause(
                    errno.symbol()
                            + ": a seccomp filter that this process inherited forbids "
                            + what
                            + ", as outer containers have one",
                    OUTER_CONTAINER);
        }
        if (errno.equals(Errno.ENOSYS)) {
            return new Cause(
                    "ENOSYS: this kernel is too old for " + what, "use Linux 5.12 or later");
        }
        return new Cause(
                what + ": " + errno,
                errno.equals(Errno.EPERM) || errno.equals(Errno.EACCES)
                        ? "a chroot, or a security module (AppArmor, SELinux), may forbid it: leave"
                                + " the chroot, or look for a denial in dmesg or the audit log"
                        : "");
    }

    /**
     * Why a range of ids cannot be mapped: the outer user namespace has none of them.
     *
     * @return whether its map (three columns: inside, outside, count) holds all of them
     */
    boolean hasIds(long first, long count) {
        return files.lines("/proc/self/uid_map").stream()
                .map(line -> line.strip().split("\\s+"))
                .filter(fields -> fields.length == 3)
                .map(fields -> Arrays.stream(fields).mapToLong(Long::parseLong).toArray())
                .anyMatch(map -> map[0] <= first && first + count <= map[0] + map[2]);
    }

    /**
     * Whether this process's root is not that of its mount namespace: it sees no mount as its root,
     * or one that the first process, being in the same namespace, sees somewhere else. Numbers of
     * mounts are unique: proc_pid_mountinfo(5).
     */
    private boolean isChrooted() {
        Optional<String[]> own = rootMount(mounts("self"));
        if (own.isEmpty()) {
            return !mounts("self").isEmpty();
        }
        List<String[]> known = mounts("1");
        Optional<String[]> first = rootMount(known);
        return known.stream().anyMatch(mount -> mount[0].equals(own.get()[0]))
                && first.isPresent()
                && !first.get()[0].equals(own.get()[0]);
    }

    private List<String[]> mounts(String process) {
        return files.lines("/proc/" + process + "/mountinfo").stream()
                .map(line -> line.split(" "))
                .filter(fields -> fields.length > 4)
                .toList();
    }

    private static Optional<String[]> rootMount(List<String[]> mounts) {
        return mounts.stream().filter(mount -> mount[4].equals("/")).reduce((below, top) -> top);
    }

    private boolean isFiltered() {
        return files.field("/proc/self/status", "Seccomp").filter(FILTERED::equals).isPresent();
    }

    private boolean isOff(String path) {
        OptionalLong value = files.number(path);
        return value.isPresent() && value.getAsLong() == 0;
    }

    private boolean isOn(String path) {
        OptionalLong value = files.number(path);
        return value.isPresent() && value.getAsLong() != 0;
    }

    private static String permanently(String setting) {
        return "sysctl -w %s, and the same line in /etc/sysctl.d to keep it".formatted(setting);
    }
}
