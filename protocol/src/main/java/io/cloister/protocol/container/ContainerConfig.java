// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.container;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.unit.ByteSize;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Everything a container is made of, seen from the inside.
 *
 * <p>The paths are checked against each other here, before anything is mounted: no two mounts or
 * links share a place, no mount hides an earlier one, no link lies on, in or above a mount.
 *
 * @param mounts in the order they are made, at most 256; a mount inside another comes after it
 * @param symbolicLinks made on the root after the mounts, at most 1024
 * @param maskPaths hidden last, at most 1024
 * @param hostName 1 to 64 letters, digits, dots, hyphens and underscores, see sethostname(2)
 * @param domainName as the host name, see setdomainname(2)
 * @param workDirectory where programs start and relative paths begin: absolute and normalised
 * @param initCommand run once as container root when all is in place, with its absolute path first;
 *     empty for none; at most 64 KiB in all
 * @param defaultEnvironment {@code NAME=value}, for programs started without one; the lines of the
 *     container's {@code /.env} are added to it; at most 64 KiB in all
 * @param programCredential whom programs run as unless their request says otherwise
 * @param rootSize bound of the root file system, which holds mount points and links only and is
 *     read-only when programs run; 64 KiB or more
 */
public record ContainerConfig(
        List<Mount> mounts,
        List<SymbolicLink> symbolicLinks,
        List<MaskPath> maskPaths,
        String hostName,
        String domainName,
        String workDirectory,
        List<String> initCommand,
        List<String> defaultEnvironment,
        Credential programCredential,
        ByteSize rootSize) {
    public static final int MAX_MOUNTS = 256;
    public static final int MAX_SYMBOLIC_LINKS = 1024;
    public static final int MAX_MASK_PATHS = 1024;

    /** HOST_NAME_MAX of {@code <linux/limits.h>}. */
    public static final int MAX_HOST_NAME = 64;

    /** Most bytes of the init command, and of the default environment, each with final NULs. */
    public static final int MAX_STRING_BYTES = 64 * 1024;

    /** The work directory of {@link #standard}. */
    public static final String STANDARD_WORK_DIRECTORY = "/w";

    /** Whom the programs of {@link #standard} run as. */
    public static final Credential STANDARD_CREDENTIAL = new Credential(1000, 1000);

    private static final ByteSize MIN_ROOT_SIZE = ByteSize.ofKiB(64);
    private static final ByteSize STANDARD_ROOT_SIZE = ByteSize.ofMiB(1);
    private static final ByteSize STANDARD_TMPFS_SIZE = ByteSize.ofMiB(256);
    private static final long STANDARD_TMPFS_INODES = 65_536;
    private static final int MAX_STRINGS = 4096;
    private static final Pattern HOST_NAME = Pattern.compile("[A-Za-z0-9._-]+");

    public ContainerConfig {
        mounts = Check.list("mounts", mounts, MAX_MOUNTS);
        symbolicLinks = Check.list("symbolic links", symbolicLinks, MAX_SYMBOLIC_LINKS);
        maskPaths = Check.list("masked paths", maskPaths, MAX_MASK_PATHS);
        checkName("host name", hostName);
        checkName("domain name", domainName);
        Check.absolutePath("work directory", workDirectory);
        initCommand = Check.list("arguments of the init command", initCommand, MAX_STRINGS);
        checkTotal("init command", initCommand);
        if (!initCommand.isEmpty()) {
            Check.absolutePathBelowRoot("program of the init command", initCommand.getFirst());
        }
        defaultEnvironment =
                Check.environment("default environment", defaultEnvironment, MAX_STRINGS);
        checkTotal("default environment", defaultEnvironment);
        if (rootSize.compareTo(MIN_ROOT_SIZE) < 0) {
            throw new InvalidRequest(
                    "root size is %s, at least %s is needed for mount points: raise it"
                            .formatted(rootSize, MIN_ROOT_SIZE));
        }
        Set<String> targets = checkMounts(mounts);
        checkLinks(symbolicLinks, targets);
        checkMasks(maskPaths);
    }

    /**
     * What does not depend on the host: /w and /tmp in memory, /proc, the usual devices, links and
     * masks. The directories of the host that hold compilers and libraries are added to it by the
     * worker.
     */
    public static ContainerConfig standard() {
        return builder()
                .workDirectory(STANDARD_WORK_DIRECTORY)
                .mount(new Mount.Proc("/proc", true))
                .mount(Mount.Bind.device("/dev/null"))
                .mount(Mount.Bind.device("/dev/zero"))
                .mount(Mount.Bind.device("/dev/full"))
                .mount(Mount.Bind.device("/dev/random"))
                .mount(Mount.Bind.device("/dev/urandom"))
                .mount(
                        Mount.Tmpfs.ownedBy(
                                STANDARD_CREDENTIAL,
                                STANDARD_WORK_DIRECTORY,
                                STANDARD_TMPFS_SIZE,
                                STANDARD_TMPFS_INODES))
                .mount(Mount.Tmpfs.shared("/tmp", STANDARD_TMPFS_SIZE, STANDARD_TMPFS_INODES))
                .symbolicLink("/dev/fd", "/proc/self/fd")
                .symbolicLink("/dev/stdin", "/proc/self/fd/0")
                .symbolicLink("/dev/stdout", "/proc/self/fd/1")
                .symbolicLink("/dev/stderr", "/proc/self/fd/2")
                .maskPath("/proc/acpi")
                .maskPath("/proc/asound")
                .maskPath("/proc/interrupts")
                .maskPath("/proc/kcore")
                .maskPath("/proc/keys")
                .maskPath("/proc/latency_stats")
                .maskPath("/proc/sched_debug")
                .maskPath("/proc/scsi")
                .maskPath("/proc/timer_list")
                .maskPath("/proc/timer_stats")
                .maskPath("/sys/firmware")
                .maskPath("/sys/devices/virtual/powercap")
                .maskPath("/usr/bin/wall")
                .environment("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
                .environment("HOME", STANDARD_WORK_DIRECTORY)
                .environment("LANG", "C.UTF-8")
                .build();
    }

    /** An empty container: no mounts, no environment, work directory /, standard names and ids. */
    public static Builder builder() {
        return new Builder();
    }

    /** A builder that starts from this configuration. */
    public Builder toBuilder() {
        Builder builder = new Builder();
        builder.mounts.addAll(mounts);
        builder.symbolicLinks.addAll(symbolicLinks);
        builder.maskPaths.addAll(maskPaths);
        builder.hostName = hostName;
        builder.domainName = domainName;
        builder.workDirectory = workDirectory;
        builder.initCommand = initCommand;
        builder.defaultEnvironment.addAll(defaultEnvironment);
        builder.programCredential = programCredential;
        builder.rootSize = rootSize;
        return builder;
    }

    private static void checkName(String what, String name) {
        Check.filledText(what, name, MAX_HOST_NAME);
        if (!HOST_NAME.matcher(name).matches()) {
            throw new InvalidRequest(
                    "%s %s: use letters, digits, dots, hyphens and underscores only"
                            .formatted(what, Check.quoted(name)));
        }
    }

    private static void checkTotal(String what, List<String> strings) {
        long total = 0;
        for (String string : strings) {
            total += Check.utf8Length(what, string) + 1;
        }
        if (total > MAX_STRING_BYTES) {
            throw new InvalidRequest(
                    "%s takes %d bytes, at most %d are possible: shorten it"
                            .formatted(what, total, MAX_STRING_BYTES));
        }
    }

    private static Set<String> checkMounts(List<Mount> mounts) {
        Set<String> targets = new HashSet<>();
        Set<String> parents = new HashSet<>();
        for (Mount mount : mounts) {
            String target = mount.target();
            if (!targets.add(target)) {
                throw new InvalidRequest(
                        "two mounts have the target %s: keep one".formatted(Check.quoted(target)));
            }
            if (parents.contains(target)) {
                throw new InvalidRequest(
                        "the mount on %s would hide an earlier one inside it: put it first"
                                .formatted(Check.quoted(target)));
            }
            addParents(target, parents);
        }
        return targets;
    }

    private static void checkLinks(List<SymbolicLink> links, Set<String> targets) {
        Set<String> places = new HashSet<>(targets);
        Set<String> parents = new HashSet<>();
        targets.forEach(target -> addParents(target, parents));
        for (SymbolicLink link : links) {
            String path = link.link();
            Set<String> above = new HashSet<>();
            addParents(path, above);
            boolean inside = above.stream().anyMatch(places::contains);
            if (inside || parents.contains(path) || !places.add(path)) {
                throw new InvalidRequest(
                        "the symbolic link %s lies on, in or above a mount or another link:"
                                        .formatted(Check.quoted(path))
                                + " move it, or make it by the symlink command");
            }
            parents.addAll(above);
        }
    }

    private static void checkMasks(List<MaskPath> masks) {
        Set<String> paths = new HashSet<>();
        for (MaskPath mask : masks) {
            if (!paths.add(mask.path())) {
                throw new InvalidRequest(
                        "%s is masked twice: keep one".formatted(Check.quoted(mask.path())));
            }
        }
    }

    private static void addParents(String path, Set<String> parents) {
        for (int slash = path.lastIndexOf('/');
                slash > 0;
                slash = path.lastIndexOf('/', slash - 1)) {
            parents.add(path.substring(0, slash));
        }
    }

    /** Puts a configuration together; everything is checked by {@link #build}. Not thread-safe. */
    public static final class Builder {
        private final List<Mount> mounts = new ArrayList<>();
        private final List<SymbolicLink> symbolicLinks = new ArrayList<>();
        private final List<MaskPath> maskPaths = new ArrayList<>();
        private String hostName = "cloister";
        private String domainName = "cloister";
        private String workDirectory = "/";
        private List<String> initCommand = List.of();
        private final List<String> defaultEnvironment = new ArrayList<>();
        private Credential programCredential = STANDARD_CREDENTIAL;
        private ByteSize rootSize = STANDARD_ROOT_SIZE;

        private Builder() {}

        /** Adds a mount after those there are. */
        public Builder mount(Mount mount) {
            mounts.add(mount);
            return this;
        }

        public Builder mounts(List<? extends Mount> more) {
            mounts.addAll(more);
            return this;
        }

        /** Leaves out the mount with this target, if there is one. */
        public Builder withoutMount(String target) {
            mounts.removeIf(mount -> mount.target().equals(target));
            return this;
        }

        public Builder symbolicLink(String link, String target) {
            symbolicLinks.add(new SymbolicLink(link, target));
            return this;
        }

        public Builder symbolicLinks(List<SymbolicLink> more) {
            symbolicLinks.addAll(more);
            return this;
        }

        public Builder maskPath(String path) {
            maskPaths.add(new MaskPath(path));
            return this;
        }

        /** Leaves out the mask of this path, if there is one. */
        public Builder withoutMaskPath(String path) {
            maskPaths.removeIf(mask -> mask.path().equals(path));
            return this;
        }

        public Builder hostName(String name) {
            hostName = name;
            return this;
        }

        public Builder domainName(String name) {
            domainName = name;
            return this;
        }

        public Builder workDirectory(String path) {
            workDirectory = path;
            return this;
        }

        public Builder initCommand(List<String> command) {
            initCommand = command;
            return this;
        }

        /** Sets a variable of the default environment, in place of an earlier value. */
        public Builder environment(String name, String value) {
            defaultEnvironment.removeIf(entry -> entry.startsWith(name + "="));
            defaultEnvironment.add(name + "=" + value);
            return this;
        }

        public Builder programCredential(Credential credential) {
            programCredential = credential;
            return this;
        }

        public Builder rootSize(ByteSize size) {
            rootSize = size;
            return this;
        }

        /**
         * Checks everything.
         *
         * @throws InvalidRequest saying what does not fit
         */
        public ContainerConfig build() {
            return new ContainerConfig(
                    mounts,
                    symbolicLinks,
                    maskPaths,
                    hostName,
                    domainName,
                    workDirectory,
                    initCommand,
                    defaultEnvironment,
                    programCredential,
                    rootSize);
        }
    }
}
