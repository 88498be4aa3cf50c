// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.doctor;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import io.cloister.nativeio.cgroup.CgroupSettings;
import io.cloister.nativeio.cgroup.Cgroups;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.fd.PidFd;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.init.IdMap;
import io.cloister.nativeio.init.InitProcess;
import io.cloister.nativeio.init.Zygote;
import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallFailure;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.supervisor.pool.UidRanges;
import io.cloister.supervisor.socket.Connected;
import io.cloister.supervisor.socket.SocketSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Probes a machine: each prerequisite of Cloister is tried, not guessed from versions. The later
 * probes use what the earlier ones made, so they are asked in their order.
 *
 * <p>For use by one thread. Closing it ends the processes that it started.
 */
public final class Doctor implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final int OLDEST_JAVA = 21;
    private static final int[] OLDEST_LINUX = {5, 14};
    private static final long FEW_FILES = 4096;

    /** The kinds but user, by their names in /proc/sys/user. */
    private enum Kind {
        PID(Linux.CLONE_NEWPID),
        MNT(Linux.CLONE_NEWNS),
        NET(Linux.CLONE_NEWNET),
        IPC(Linux.CLONE_NEWIPC),
        UTS(Linux.CLONE_NEWUTS),
        CGROUP(Linux.CLONE_NEWCGROUP);

        private final int flag;

        Kind(int flag) {
            this.flag = flag;
        }

        String text() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /** Something to find out. */
    public static final class Probe {
        private final String name;
        private final Callable<Finding> body;

        private Probe(String name, Callable<Finding> body) {
            this.name = name;
            this.body = body;
        }

        public String name() {
            return name;
        }
    }

    private final UidRanges.Block block;
    private final CgroupSettings cgroupSettings;
    private final Optional<SocketSettings> service;
    private final HostFiles files = HostFiles.ofThisHost();
    private final boolean root = LibC.geteuid() == 0;
    private final NamespaceCauses causes = new NamespaceCauses(files, root);
    private final ExecutorService thread =
            Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().factory());
    private @Nullable Zygote zygote;
    private boolean userNamespaces;
    private @Nullable UidRanges ranges;
    private @Nullable InitProcess init;
    private @Nullable Cgroups cgroups;
    private int sent;

    /**
     * @param block where containers' ids come from when the worker is root
     * @param cgroups which control groups a worker would use
     * @param service whose containers it would use; absent when it is to make them itself
     */
    public Doctor(UidRanges.Block block, CgroupSettings cgroups, Optional<SocketSettings> service) {
        this.block = block;
        this.cgroupSettings = cgroups;
        this.service = service;
    }

    /** All probes, in their order. */
    public List<Probe> probes() {
        List<Probe> probes = new ArrayList<>();
        add(probes, "Linux", this::linux);
        add(probes, "architecture", this::architecture);
        add(probes, "Java", this::java);
        add(probes, "privileges", this::privileges);
        add(probes, "open files", this::openFiles);
        add(probes, "memory files", this::memoryFiles);
        add(probes, "pidfd", this::pidfd);
        if (service.isPresent()) { // which needs the rest
            add(probes, "service", () -> service(service.get()));
            return List.copyOf(probes);
        }
        add(probes, "openat2", this::openat2);
        add(probes, "close_range", this::closeRange);
        add(probes, "seccomp filters", this::seccompFilters);
        add(probes, "zygote", this::startZygote);
        add(probes, "user namespaces", this::userNamespaces);
        for (Kind kind : Kind.values()) {
            String name = kind.text() + " namespaces";
            add(probes, name, () -> otherNamespaces(name, kind));
        }
        add(probes, "container ids", this::containerIds);
        add(probes, "init", this::forkInit);
        add(probes, "mounting proc", this::mountProc);
        add(probes, "mount attributes", this::mountAttributes);
        add(probes, CgroupFindings.GROUPS, this::cgroups);
        add(probes, CgroupFindings.CONTROLLERS, this::cgroupControllers);
        for (String tool : List.of("gcc", "g++", "python3", "javac", "java")) {
            add(probes, tool, () -> tool(tool));
        }
        return List.copyOf(probes);
    }

    private static void add(List<Probe> probes, String name, Callable<Finding> body) {
        probes.add(new Probe(name, body));
    }

    /** Asks one probe, within a bound; whatever goes wrong is a finding. */
    public Finding ask(Probe probe) throws InterruptedException {
        Future<Finding> answer = thread.submit(probe.body);
        try {
            return answer.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            return Finding.failed(probe.name, String.valueOf(e.getCause()), "");
        } catch (TimeoutException e) {
            answer.cancel(true);
            return Finding.failed(probe.name, "no answer within " + LIMIT.toSeconds() + " s", "");
        }
    }

    // ---- the machine and this process ----------------------------------------------------------

    private Finding linux() {
        String release = System.getProperty("os.version");
        int[] version =
                Arrays.stream(release.split("[^0-9]+"))
                        .filter(part -> !part.isEmpty())
                        .limit(2)
                        .mapToInt(Integer::parseInt)
                        .toArray();
        return Arrays.compare(version, OLDEST_LINUX) >= 0
                ? Finding.ok("Linux", release)
                : Finding.failed(
                        "Linux",
                        release + " is too old",
                        "use Linux %d.%d or later".formatted(OLDEST_LINUX[0], OLDEST_LINUX[1]));
    }

    private Finding architecture() {
        try {
            return Finding.ok("architecture", Architecture.current().machine());
        } catch (UnsupportedOperationException e) {
            return Finding.failed("architecture", String.valueOf(e.getMessage()), "");
        }
    }

    private Finding java() {
        Runtime.Version version = Runtime.version();
        String text = version + " (" + System.getProperty("java.vendor") + ")";
        return version.feature() >= OLDEST_JAVA
                ? Finding.ok("Java", text)
                : Finding.failed(
                        "Java", text + " is too old", "use JDK " + OLDEST_JAVA + " or later");
    }

    private Finding privileges() {
        if (service.isPresent()) {
            return Finding.information(
                    "privileges",
                    "uid %d: none is needed beside the service".formatted(LibC.geteuid()));
        }
        return Finding.information(
                "privileges",
                root
                        ? "root: every container gets a range of ids of its own"
                        : "uid %d: all containers have this one id of yours"
                                .formatted(LibC.geteuid()));
    }

    private Finding openFiles() {
        String name = "open files";
        OptionalLong soft =
                files.lines("/proc/self/limits").stream()
                        .filter(line -> line.startsWith("Max open files"))
                        .map(line -> line.substring("Max open files".length()).strip())
                        .map(line -> line.split("\\s+")[0])
                        .mapToLong(text -> text.equals("unlimited") ? -1 : Long.parseLong(text))
                        .findFirst();
        if (soft.isEmpty()) {
            return Finding.warning(name, "the limit cannot be read", "mount /proc");
        }
        long limit = soft.getAsLong();
        return limit < 0 || limit >= FEW_FILES
                ? Finding.ok(name, limit < 0 ? "unlimited" : "at most " + limit)
                : Finding.warning(
                        name,
                        "at most %d: enough for about %d containers".formatted(limit, limit / 16),
                        "ulimit -n 65536, or LimitNOFILE= in a systemd unit");
    }

    private Finding memoryFiles() throws IOException {
        String name = "memory files";
        try (Fd sealed = MemFd.sealed("doctor", new byte[1]);
                Fd executable = MemFd.executable("doctor", new byte[1])) {
            return Finding.ok(name, "sealed and executable");
        } catch (SystemCallException e) {
            OptionalLong noexec = files.number("/proc/sys/vm/memfd_noexec");
            return noexec.isPresent() && noexec.getAsLong() > 1
                    ? Finding.failed(
                            name,
                            "executable ones are forbidden: vm.memfd_noexec is "
                                    + noexec.getAsLong(),
                            "sysctl -w vm.memfd_noexec=0")
                    : Finding.failed(name, String.valueOf(e.getMessage()), "use Linux 5.14");
        }
    }

    private Finding pidfd() throws IOException {
        try (PidFd self = PidFd.open((int) ProcessHandle.current().pid())) {
            boolean alive = self.signal(0) && !self.hasExited();
            return alive
                    ? Finding.ok("pidfd", "open, signal and poll work")
                    : Finding.failed("pidfd", "this process does not see itself", "");
        } catch (SystemCallException e) {
            return Finding.failed(
                    "pidfd", causes.ofCapabilities("pidfd_open and its kin", e.errno()));
        }
    }

    /** What it refuses, and why, is its own to say. */
    private static Finding service(SocketSettings settings) {
        String name = "service";
        try {
            Connected connected = Connected.open(settings);
            connected.socket().close();
            return Finding.ok(
                    name,
                    "at %s, profile %s: admitted, and given a container"
                            .formatted(settings.path(), settings.profile()));
        } catch (IOException e) {
            return Finding.failed(
                    name,
                    "at %s, profile %s: %s"
                            .formatted(settings.path(), settings.profile(), e.getMessage()),
                    "see the log of cloister serve; docs/deployment.md says how to set it up");
        }
    }

    private Finding openat2() {
        try (Memory path = LibC.stringArray("/");
                Memory how = new Memory(Linux.open_how_SIZE)) {
            how.clear();
            how.setLong(Linux.open_how_flags, Linux.O_PATH | Linux.O_CLOEXEC);
            how.setLong(Linux.open_how_resolve, Linux.RESOLVE_NO_SYMLINKS);
            long text = Pointer.nativeValue(path.getPointer(0));
            long fd =
                    LibC.syscall(
                            Sys.OPENAT2.number(),
                            Linux.AT_FDCWD,
                            text,
                            Pointer.nativeValue(how),
                            Linux.open_how_SIZE);
            if (fd < 0) {
                return Finding.failed("openat2", causes.ofCapabilities("openat2", LibC.errno()));
            }
            LibC.close((int) fd);
            return Finding.ok("openat2", "with RESOLVE flags");
        }
    }

    private Finding closeRange() {
        // numbers that no descriptor has
        long first = 0x7ffffff0L;
        long result =
                LibC.syscall(
                        Sys.CLOSE_RANGE.number(), first, first + 1, Linux.CLOSE_RANGE_CLOEXEC, 0);
        return result == 0
                ? Finding.ok("close_range", "with CLOSE_RANGE_CLOEXEC")
                : Finding.failed("close_range", causes.ofCapabilities("close_range", LibC.errno()));
    }

    /** seccomp(2): a filter at address 0 is EFAULT where filters are known. */
    private Finding seccompFilters() {
        LibC.syscall(Sys.SECCOMP.number(), Linux.SECCOMP_SET_MODE_FILTER, 0, 0, 0);
        Errno errno = LibC.errno();
        return errno.equals(Errno.EFAULT)
                ? Finding.ok("seccomp filters", "available")
                : Finding.failed(
                        "seccomp filters",
                        "not available: " + errno,
                        "use a kernel with CONFIG_SECCOMP_FILTER=y");
    }

    // ---- namespaces ----------------------------------------------------------------------------

    private Finding startZygote() throws IOException {
        try {
            Zygote started = Zygote.start();
            zygote = started;
            return Finding.ok("zygote", "process " + started.pid() + " started");
        } catch (SystemCallException e) {
            return Finding.failed(
                    "zygote",
                    String.valueOf(e.getMessage()),
                    e.errno().equals(Errno.EACCES)
                            ? "allow memory files to be executed: vm.memfd_noexec, SELinux"
                            : "");
        }
    }

    private Finding userNamespaces() throws IOException {
        String name = "user namespaces";
        if (zygote == null) {
            return Finding.notTried(name, "there is no zygote to fork from");
        }
        Optional<SyscallFailure> failure =
                zygote.tryNamespaces(name, Integer.toUnsignedLong(Linux.CLONE_NEWUSER));
        if (failure.isPresent()) {
            return Finding.failed(name, causes.ofUserNamespaces(failure.get().errno()));
        }
        userNamespaces = true;
        OptionalLong most = files.number("/proc/sys/user/max_user_namespaces");
        return Finding.ok(
                name,
                "created one by clone3"
                        + (most.isPresent() ? "; at most " + most.getAsLong() : ""));
    }

    private Finding otherNamespaces(String name, Kind kind) throws IOException {
        if (zygote == null || !userNamespaces) {
            return Finding.notTried(name, "needs a user namespace");
        }
        Optional<SyscallFailure> failure =
                zygote.tryNamespaces(name, Integer.toUnsignedLong(Linux.CLONE_NEWUSER | kind.flag));
        return failure.isPresent()
                ? Finding.failed(name, causes.ofOtherNamespaces(kind.text(), failure.get().errno()))
                : Finding.ok(name, "created one");
    }

    private Finding containerIds() throws IOException {
        String name = "container ids";
        if (!root) {
            ranges = UidRanges.open(block);
            return Finding.ok(name, "your own uid %d".formatted(LibC.geteuid()));
        }
        long first = block.start();
        long count = (long) block.count() * IdMap.RANGE;
        if (!causes.hasIds(first, count)) {
            return Finding.failed(
                    name,
                    "%d to %d do not exist here: this process is root only of a user namespace"
                                    .formatted(first, first + count - 1)
                            + " that has fewer ids",
                    "give the outer container more ids, set cloister.uid-ranges to ids that are in"
                            + " /proc/self/uid_map, or run Cloister as an ordinary user");
        }
        List<String> overlaps = IdRanges.overlaps(files, first, count);
        if (!overlaps.isEmpty()) {
            return Finding.failed(
                    name,
                    "%d to %d belong to others too: %s"
                            .formatted(first, first + count - 1, overlaps.getFirst()),
                    "set cloister.uid-ranges.start to a multiple of 65536 that is free");
        }
        ranges = UidRanges.open(block);
        return Finding.ok(
                name,
                "%d ranges of %d from %d, nobody else's"
                        .formatted(block.count(), IdMap.RANGE, first));
    }

    private Finding forkInit() throws IOException {
        if (zygote == null || !userNamespaces || ranges == null) {
            return Finding.notTried("init", "needs a zygote, user namespaces and ids");
        }
        UidRanges.Claim claim = ranges.claim();
        try {
            InitProcess forked = zygote.fork(claim.ids());
            init = forked;
            return Finding.ok("init", "process %d, its ids mapped".formatted(forked.pid()));
        } catch (SystemCallException e) {
            return Finding.failed("init", causes.ofCapabilities("mapping ids", e.errno()));
        } catch (IOException e) {
            return Finding.failed("init", String.valueOf(e.getMessage()), "");
        }
    }

    // ---- inside a container's namespaces
    // ---------------------------------------------------------

    private Finding mountProc() throws IOException {
        SyscallProgram.Builder b = SyscallProgram.named("try to mount proc");
        b.call(
                "make private",
                "all mounts",
                Sys.MOUNT,
                Arg.ZERO,
                b.string("/").address(),
                Arg.ZERO,
                Arg.of(Linux.MS_REC | Linux.MS_PRIVATE),
                Arg.ZERO);
        Arg proc = b.string("proc").address();
        Step mount =
                b.call(
                        "mount",
                        "proc",
                        Sys.MOUNT,
                        proc,
                        b.string("/proc").address(),
                        proc,
                        Arg.of(Linux.MS_NOSUID | Linux.MS_NODEV | Linux.MS_NOEXEC),
                        Arg.ZERO);
        return inside(
                "mounting proc",
                b.build(),
                "mounted in the container's namespaces",
                failure ->
                        failure.step().equals(mount.name())
                                ? causes.ofProc(failure.errno())
                                : causes.ofCapabilities("mounts in a container", failure.errno()));
    }

    private Finding mountAttributes() throws IOException {
        SyscallProgram.Builder b = SyscallProgram.named("try mount attributes");
        Step tree =
                b.call(
                        "copy tree",
                        "/usr",
                        Sys.OPEN_TREE,
                        Arg.AT_FDCWD,
                        b.string("/usr").address(),
                        Arg.of(
                                Linux.OPEN_TREE_CLONE
                                        | Linux.OPEN_TREE_CLOEXEC
                                        | Linux.AT_RECURSIVE));
        Data attributes = b.reserve(Linux.mount_attr_SIZE);
        b.putLong(
                attributes,
                Linux.mount_attr_attr_set,
                Linux.MOUNT_ATTR_RDONLY | Linux.MOUNT_ATTR_NOSUID | Linux.MOUNT_ATTR_NODEV);
        b.call(
                "set attributes",
                "/usr",
                Sys.MOUNT_SETATTR,
                tree.result(),
                b.string("").address(),
                Arg.of(Linux.AT_EMPTY_PATH | Linux.AT_RECURSIVE),
                attributes.address(),
                Arg.of(Linux.mount_attr_SIZE));
        return inside(
                "mount attributes",
                b.build(),
                "a recursive read-only copy of /usr",
                failure -> causes.ofCapabilities(failure.call(), failure.errno()));
    }

    @FunctionalInterface
    private interface Explanation {
        Cause of(SyscallFailure failure);
    }

    private Finding inside(
            String name, SyscallProgram program, String success, Explanation explanation)
            throws IOException {
        InitProcess running = init;
        if (running == null) {
            return Finding.notTried(name, "there is no init to do it");
        }
        running.channel().send(++sent, program);
        ProgramResult result = running.channel().receive();
        result.closeDescriptors();
        return result.failure(program)
                .map(failure -> Finding.failed(name, explanation.of(failure)))
                .orElseGet(() -> Finding.ok(name, success));
    }

    // ---- what Cloister can do without
    // ------------------------------------------------------------

    private Finding cgroups() {
        try {
            cgroups = Cgroups.detect(cgroupSettings);
            return CgroupFindings.ofGroups(cgroups, cgroupSettings.mode());
        } catch (IOException e) {
            return Finding.failed(
                    CgroupFindings.GROUPS,
                    "version %s, which the settings ask for, cannot be used: %s"
                            .formatted(cgroupSettings.mode(), e.getMessage()),
                    "set cloister.cgroups.mode to AUTO, or see docs/limits.md, \"Control groups\"");
        }
    }

    private Finding cgroupControllers() {
        return cgroups == null
                ? Finding.notTried(CgroupFindings.CONTROLLERS, "there are no control groups")
                : CgroupFindings.ofControllers(cgroups);
    }

    private Finding tool(String tool) throws IOException, InterruptedException {
        Path path = Path.of("/usr/bin", tool);
        if (!Files.isExecutable(path)) {
            return Finding.warning(
                    tool, "no " + path + ": the demo skips what needs it", remedyFor(tool));
        }
        Process process =
                new ProcessBuilder(path.toString(), "--version").redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int code = process.waitFor();
        String first = output.lines().findFirst().orElse("").strip();
        return code == 0
                ? Finding.ok(tool, first)
                : Finding.warning(tool, "exit code %d: %s".formatted(code, first), remedyFor(tool));
    }

    private static String remedyFor(String tool) {
        String name =
                switch (tool) {
                    case "javac", "java" ->
                            "default-jdk-headless (Fedora: java-latest-openjdk-devel)";
                    case "g++" -> "g++ (Fedora: gcc-c++)";
                    default -> tool;
                };
        return "install the package " + name;
    }

    /** Ends the processes that the probes started. */
    @Override
    public void close() throws IOException {
        thread.shutdownNow();
        if (init != null) {
            init.close();
        }
        if (zygote != null) {
            zygote.close();
        }
        if (cgroups != null) {
            cgroups.close();
        }
        if (ranges != null) {
            ranges.close();
        }
    }
}
