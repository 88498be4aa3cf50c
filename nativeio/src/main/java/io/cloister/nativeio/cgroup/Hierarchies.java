// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Which hierarchies are mounted, and which group of each this process is in: /proc/self/mountinfo
 * and /proc/self/cgroup, proc_pid_mountinfo(5), cgroups(7).
 */
record Hierarchies(List<Mount> mounts, List<Membership> memberships) {

    /**
     * A mounted hierarchy.
     *
     * @param root which group is at the mount point, as seen from this cgroup namespace
     * @param controllers of version 1; empty for version 2
     */
    record Mount(Path point, String root, boolean v2, boolean readOnly, Set<String> controllers) {}

    /**
     * A line of /proc/self/cgroup.
     *
     * @param controllers none for version 2
     */
    record Membership(boolean v2, Set<String> controllers, String path) {}

    /**
     * This process's own group.
     *
     * @param path as the kernel names it, from the root of the cgroup namespace
     */
    record Own(Path directory, Path mountPoint, String path, boolean readOnly) {}

    static Hierarchies ofThisProcess() throws IOException {
        return parse(
                Files.readString(Path.of("/proc/self/mountinfo")),
                Files.readString(Path.of("/proc/self/cgroup")));
    }

    static Hierarchies parse(String mountinfo, String cgroup) {
        return new Hierarchies(
                mountinfo.lines().map(Hierarchies::mount).flatMap(Optional::stream).toList(),
                cgroup.lines().map(Hierarchies::membership).flatMap(Optional::stream).toList());
    }

    private static Optional<Mount> mount(String line) {
        String[] halves = line.split(" - ", 2);
        String[] fields = halves[0].split(" ");
        String[] source = halves.length == 2 ? halves[1].split(" ") : new String[0];
        if (fields.length < 6 || source.length < 3) {
            return Optional.empty();
        }
        boolean v2 = source[0].equals("cgroup2");
        if (!v2 && !source[0].equals("cgroup")) {
            return Optional.empty();
        }
        Set<String> superOptions = words(source[2]);
        return Optional.of(
                new Mount(
                        Path.of(unescape(fields[4])),
                        unescape(fields[3]),
                        v2,
                        words(fields[5]).contains("ro") || superOptions.contains("ro"),
                        v2 ? Set.of() : superOptions));
    }

    private static Optional<Membership> membership(String line) {
        String[] fields = line.split(":", 3);
        if (fields.length < 3) {
            return Optional.empty();
        }
        boolean v2 = fields[0].equals("0") && fields[1].isEmpty();
        return Optional.of(new Membership(v2, v2 ? Set.of() : words(fields[1]), fields[2]));
    }

    private static Set<String> words(String list) {
        return Set.copyOf(Arrays.asList(list.split(",")));
    }

    /** Blank, tab, newline and backslash are written in octal. */
    private static String unescape(String text) {
        return text.replace("\\040", " ")
                .replace("\\011", "\t")
                .replace("\\012", "\n")
                .replace("\\134", "\\");
    }

    /**
     * This process's group of version 2.
     *
     * @throws IOException saying that there is none, or that no mount shows it
     */
    Own v2() throws IOException {
        return find(
                "cgroup v2",
                mounts.stream().filter(Mount::v2).toList(),
                memberships.stream().filter(Membership::v2).findFirst());
    }

    /**
     * This process's group in the version 1 hierarchy of a controller.
     *
     * @throws IOException saying that there is none, or that no mount shows it
     */
    Own v1(String controller) throws IOException {
        return find(
                "the cgroup v1 controller " + controller,
                mounts.stream().filter(mount -> mount.controllers().contains(controller)).toList(),
                memberships.stream()
                        .filter(group -> group.controllers().contains(controller))
                        .findFirst());
    }

    private static Own find(String what, List<Mount> candidates, Optional<Membership> membership)
            throws IOException {
        if (candidates.isEmpty() || membership.isEmpty()) {
            throw new IOException(what + " is not mounted");
        }
        String path = membership.get().path();
        List<Own> found = new ArrayList<>();
        for (Mount mount : candidates) {
            below(mount.root(), path)
                    .ifPresent(rest ->
                            found.add(
                                    new Own(
                                            mount.point().resolve(rest),
                                            mount.point(),
                                            path,
                                            mount.readOnly())));
        }
        return found.stream()
                .filter(own -> !own.readOnly())
                .findFirst()
                .or(() -> found.stream().findFirst())
                .orElseThrow(() ->
                        new IOException(
                                "%s is mounted at %s, which does not show this process's"
                                                .formatted(what, candidates.get(0).point())
                                        + " group "
                                        + path
                                        + ": mount it in this cgroup namespace"));
    }

    /** The path of a group from the one that a mount has as its root. */
    private static Optional<String> below(String root, String path) {
        if (path.equals("/..") || path.startsWith("/../")) {
            return Optional.empty();
        }
        if (root.equals("/")) {
            return Optional.of(path.substring(1));
        }
        if (path.equals(root)) {
            return Optional.of("");
        }
        return path.startsWith(root + "/")
                ? Optional.of(path.substring(root.length() + 1))
                : Optional.empty();
    }
}
