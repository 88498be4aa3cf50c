// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.Errno;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Version 1: a directory of the worker's below its own group in each hierarchy, and below that one
 * for each container, in which init lives: moving a process costs many ms on an idle machine.
 */
final class V1Cgroups implements Cgroups {
    static final List<String> CPUSET_FILES = List.of("cpuset.cpus", "cpuset.mems");

    private final Map<CgroupController, Path> directories;
    private final Map<CgroupController, String> missing;

    private V1Cgroups(
            Map<CgroupController, Path> directories, Map<CgroupController, String> missing) {
        this.directories = directories;
        this.missing = missing;
    }

    /**
     * Makes the worker's directories.
     *
     * @throws IOException saying why neither memory nor processes can be limited
     */
    static V1Cgroups open(Hierarchies hierarchies) throws IOException {
        Map<CgroupController, Path> directories = new EnumMap<>(CgroupController.class);
        Map<CgroupController, String> missing = new EnumMap<>(CgroupController.class);
        String name = WorkerGroup.newName();
        Set<Path> made = new HashSet<>();
        for (CgroupController controller : CgroupController.values()) {
            try {
                Hierarchies.Own own = hierarchies.v1(controller.kernelName());
                Path directory = own.directory().resolve(name);
                if (!made.contains(directory)) { // cpu and cpuacct are often one hierarchy
                    make(own, directory);
                    made.add(directory);
                }
                if (controller == CgroupController.CPUSET) {
                    inheritCpuset(directory);
                }
                directories.put(controller, directory);
            } catch (IOException e) {
                missing.put(controller, String.valueOf(e.getMessage()));
            }
        }
        V1Cgroups cgroups = new V1Cgroups(directories, missing);
        if (!directories.containsKey(CgroupController.MEMORY)
                && !directories.containsKey(CgroupController.PIDS)) {
            cgroups.close();
            throw new IOException(
                    new LinkedHashSet<>(missing.values())
                            .stream().collect(Collectors.joining("; ")));
        }
        return cgroups;
    }

    private static void make(Hierarchies.Own own, Path directory) throws IOException {
        if (own.readOnly()) {
            throw new IOException(readOnly(own));
        }
        WorkerGroup.sweep(own.directory());
        try {
            Groups.make(directory);
        } catch (SystemCallException e) {
            if (e.errno().equals(Errno.EROFS)) {
                throw new IOException(readOnly(own), e);
            }
            if (e.errno().equals(Errno.EACCES) || e.errno().equals(Errno.EPERM)) {
                throw new IOException(
                        "this user may not make groups in %s: run as root, or have %s"
                                        .formatted(own.directory(), own.directory())
                                + " given to this user",
                        e);
            }
            throw e;
        }
    }

    /** The same for each hierarchy, so that it is told once. */
    private static String readOnly(Hierarchies.Own own) {
        return readOnly(own.mountPoint().resolveSibling("*"));
    }

    /** Why nothing can be done in a hierarchy that is mounted read-only. */
    static String readOnly(Path mountPoint) {
        return ("%s is mounted read-only: mount -o remount,rw %s, or start the outer container with a"
                        + " writable one (Docker 28: --security-opt writable-cgroups=true; Podman:"
                        + " --security-opt unmask=/sys/fs/cgroup; Kubernetes:"
                        + " securityContext.privileged; docs/deployment.md)")
                .formatted(mountPoint, mountPoint);
    }

    /** A new group has neither CPUs nor memory nodes, and takes no process before it has. */
    static void inheritCpuset(Path group) throws IOException {
        Path parent = Objects.requireNonNull(group.getParent());
        for (String file : CPUSET_FILES) {
            CgroupFile.write(group, file, CgroupFile.read(parent, file).strip());
        }
    }

    @Override
    public CgroupVersion version() {
        return CgroupVersion.V1;
    }

    @Override
    public Set<CgroupController> controllers() {
        return Set.copyOf(directories.keySet());
    }

    @Override
    public String whyNot(CgroupController controller) {
        return missing.getOrDefault(controller, "");
    }

    @Override
    public String describe() {
        Path memory = directories.get(CgroupController.MEMORY);
        boolean swap = memory == null || Files.exists(memory.resolve(V1Memory.WITH_SWAP));
        return "cgroup v1: "
                + directories.entrySet().stream()
                        .map(entry -> words(entry.getKey()) + " in " + entry.getValue().getParent())
                        .collect(Collectors.joining(", "))
                + (swap ? "" : "; swap is not accounted, so it is avoided, not limited");
    }

    static String words(CgroupController controller) {
        return controller.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    /** The worker's directory in a controller's hierarchy. */
    Path directory(CgroupController controller) {
        return Objects.requireNonNull(directories.get(controller));
    }

    @Override
    public ContainerCgroup create(String name) throws IOException {
        Map<CgroupController, Path> groups = new EnumMap<>(CgroupController.class);
        directories.forEach((controller, directory) ->
                groups.put(controller, ContainerName.in(directory, name)));
        return V1Container.create(groups);
    }

    @Override
    public void close() {
        new HashSet<>(directories.values()).forEach(WorkerGroup::removeIfEmpty);
    }
}
