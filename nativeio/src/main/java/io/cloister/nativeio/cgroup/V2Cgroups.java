// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Version 2: {@code BASE/cloister-…/CONTAINER/{init,run-N}}, where BASE is the worker's own group.
 * A group whose children have controllers may have no process itself ("no internal processes",
 * cgroup-v2.rst), except for the root of all, so the worker's own are moved to {@code
 * BASE/cloister-worker} first.
 */
final class V2Cgroups implements Cgroups {
    private static final String SUBTREE_CONTROL = "cgroup.subtree_control";
    private static final String WORKER = "cloister-worker";
    private static final int MOVES = 10;

    private static final String DELEGATE =
            "have its controllers delegated to the worker: under systemd start it by a unit with"
                    + " Delegate=yes, or by systemd-run --user --scope -p Delegate=yes";

    /** What the kernel counts in every group. */
    private static final Set<CgroupController> WITHOUT_CONTROLLER =
            EnumSet.of(CgroupController.CPU_TIME);

    private final Path directory;
    private final Set<CgroupController> controllers;
    private final Map<CgroupController, String> missing;

    private V2Cgroups(
            Path directory,
            Set<CgroupController> controllers,
            Map<CgroupController, String> missing) {
        this.directory = directory;
        this.controllers = controllers;
        this.missing = missing;
    }

    /**
     * Makes the worker's directory.
     *
     * @param root the BASE to use
     * @throws IOException saying why neither memory nor processes can be limited
     */
    static V2Cgroups open(Hierarchies hierarchies, Optional<Path> root) throws IOException {
        Path base = root.isPresent() ? checked(hierarchies, root.get()) : ownBase(hierarchies);
        Set<CgroupController> delegated = available(base);
        if (delegated.isEmpty()) {
            throw new IOException(
                    base
                            + " has no controllers: "
                            + (hierarchies.mounts().stream().allMatch(Hierarchies.Mount::v2)
                                    ? DELEGATE
                                    : "they are in hierarchies of version 1"));
        }
        WorkerGroup.sweep(base);
        Map<CgroupController, String> missing = new EnumMap<>(CgroupController.class);
        Set<CgroupController> controllers = enable(base, delegated, missing);
        if (!controllers.contains(CgroupController.MEMORY)
                && !controllers.contains(CgroupController.PIDS)) {
            throw new IOException(
                    missing.values().stream().distinct().collect(Collectors.joining("; ")));
        }
        Path directory = base.resolve(WorkerGroup.newName());
        try {
            Groups.make(directory);
        } catch (SystemCallException e) {
            throw new IOException(words(base, e), e);
        }
        try {
            pass(controllers, directory);
        } catch (IOException e) {
            WorkerGroup.removeIfEmpty(directory);
            throw e;
        }
        controllers.addAll(WITHOUT_CONTROLLER);
        return new V2Cgroups(directory, controllers, missing);
    }

    private static Path checked(Hierarchies hierarchies, Path root) throws IOException {
        if (!Files.exists(root.resolve("cgroup.controllers"))) {
            throw new IOException(root + " is not a directory of cgroup v2");
        }
        // clone3(2): what is forked into a group must come from below one that the user may write
        // to
        if (LibC.geteuid() != 0 && !hierarchies.v2().directory().startsWith(root)) {
            throw new IOException(
                    "this process is not in "
                            + root
                            + ", and only root may use a group that it is not in: start it there");
        }
        return root;
    }

    private static Path ownBase(Hierarchies hierarchies) throws IOException {
        Hierarchies.Own own = hierarchies.v2();
        if (own.readOnly()) {
            throw new IOException(V1Cgroups.readOnly(own.mountPoint()));
        }
        return baseOf(own.directory());
    }

    /** A worker that was started by one that had moved itself finds itself in the leaf of that. */
    static Path baseOf(Path own) {
        return own.endsWith(WORKER) ? Objects.requireNonNull(own.getParent()) : own;
    }

    private static Set<CgroupController> available(Path group) throws IOException {
        List<String> names =
                Arrays.asList(CgroupFile.read(group, "cgroup.controllers").strip().split(" "));
        return Arrays.stream(CgroupController.values())
                .filter(controller -> !WITHOUT_CONTROLLER.contains(controller))
                .filter(controller -> names.contains(controller.kernelName()))
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(CgroupController.class)));
    }

    /** Has the children of BASE have controllers; those that they cannot have are noted. */
    private static Set<CgroupController> enable(
            Path base, Set<CgroupController> delegated, Map<CgroupController, String> missing)
            throws IOException {
        List<String> already =
                Arrays.asList(CgroupFile.read(base, SUBTREE_CONTROL).strip().split(" "));
        boolean isRoot = !Files.exists(base.resolve("cgroup.type"));
        Set<CgroupController> enabled = EnumSet.noneOf(CgroupController.class);
        for (CgroupController controller : CgroupController.values()) {
            if (WITHOUT_CONTROLLER.contains(controller)) {
                continue;
            }
            String name = controller.kernelName();
            if (!delegated.contains(controller)) {
                missing.put(
                        controller, "%s has no controller %s: %s".formatted(base, name, DELEGATE));
            } else if (already.contains(name)) {
                enabled.add(controller);
            } else {
                try {
                    if (!isRoot) {
                        moveProcesses(base);
                    }
                    CgroupFile.write(base, SUBTREE_CONTROL, "+" + name);
                    enabled.add(controller);
                } catch (SystemCallException e) {
                    missing.put(controller, words(base, e));
                }
            }
        }
        return enabled;
    }

    private static String words(Path base, SystemCallException e) {
        if (e.errno().equals(Errno.EROFS)) {
            return V1Cgroups.readOnly(base);
        }
        if (e.errno().equals(Errno.EACCES) || e.errno().equals(Errno.EPERM)) {
            return "this user may not manage %s (%s): %s".formatted(base, e.getMessage(), DELEGATE);
        }
        if (e.errno().equals(Errno.EBUSY)) {
            return "%s has processes that do not stay away (%s): give the worker a group of its own"
                    .formatted(base, e.getMessage());
        }
        return String.valueOf(e.getMessage());
    }

    /** Moves all processes out of BASE, so that its children can have controllers. */
    private static void moveProcesses(Path base) throws IOException {
        for (int i = 0; i < MOVES; i++) { // they may fork meanwhile
            List<Integer> processes = Groups.processes(base);
            if (processes.isEmpty()) {
                return;
            }
            if (processes.contains(0)) {
                throw new IOException(
                        base
                                + " has processes of another PID namespace, which cannot be moved:"
                                + " give the worker a group of its own");
            }
            Path worker = base.resolve(WORKER);
            if (!Files.exists(worker)) {
                Groups.make(worker);
            }
            for (int pid : processes) {
                try {
                    CgroupFile.write(worker, Groups.PROCS, Integer.toString(pid));
                } catch (SystemCallException e) {
                    if (!e.errno().equals(Errno.ESRCH)) {
                        throw e;
                    }
                }
            }
        }
    }

    /** Has the children of a group without processes have the controllers. */
    static void pass(Set<CgroupController> controllers, Path group) throws IOException {
        CgroupFile.write(
                group,
                SUBTREE_CONTROL,
                controllers.stream()
                        .filter(controller -> !WITHOUT_CONTROLLER.contains(controller))
                        .map(controller -> "+" + controller.kernelName())
                        .collect(Collectors.joining(" ")));
    }

    @Override
    public CgroupVersion version() {
        return CgroupVersion.V2;
    }

    @Override
    public Set<CgroupController> controllers() {
        return Set.copyOf(controllers);
    }

    @Override
    public String whyNot(CgroupController controller) {
        return missing.getOrDefault(controller, "");
    }

    @Override
    public String describe() {
        return "cgroup v2 in %s: %s"
                .formatted(
                        directory.getParent(),
                        controllers.stream()
                                .sorted()
                                .map(V1Cgroups::words)
                                .collect(Collectors.joining(", ")));
    }

    /** The worker's directory. */
    Path directory() {
        return directory;
    }

    @Override
    public ContainerCgroup create(String name) throws IOException {
        return V2Container.create(ContainerName.in(directory, name), controllers);
    }

    @Override
    public void close() {
        WorkerGroup.removeIfEmpty(directory);
    }
}
