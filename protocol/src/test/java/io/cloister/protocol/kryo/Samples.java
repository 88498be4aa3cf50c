// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.Credential;
import io.cloister.protocol.container.MaskPath;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.container.SymbolicLink;
import io.cloister.protocol.message.Access;
import io.cloister.protocol.message.Conf;
import io.cloister.protocol.message.Configured;
import io.cloister.protocol.message.ContainerState;
import io.cloister.protocol.message.Delete;
import io.cloister.protocol.message.Deleted;
import io.cloister.protocol.message.Executable;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.FileError;
import io.cloister.protocol.message.Linked;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.message.Ping;
import io.cloister.protocol.message.Pong;
import io.cloister.protocol.message.Reset;
import io.cloister.protocol.message.ResetDone;
import io.cloister.protocol.message.Seccomp;
import io.cloister.protocol.message.Symlink;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.CopyOut;
import io.cloister.protocol.run.Enforced;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Mechanism;
import io.cloister.protocol.run.MemorySource;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Resource;
import io.cloister.protocol.run.Rlimit;
import io.cloister.protocol.run.Rlimits;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.run.Terminal;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.run.Usage;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Values of every registered class, by name; each has a line in golden-bytes-VERSION.txt.
 *
 * <p>They are written out in full, with no defaults of the product in them, so that a new default
 * changes no golden bytes.
 */
final class Samples {
    static final Map<String, Object> ALL = new LinkedHashMap<>();

    private static final Failure FAILURE =
            Failure.ofErrno(
                    Failure.Kind.SYSCALL,
                    "bind /usr on /usr",
                    "/usr",
                    1,
                    "EPERM",
                    "Operation not permitted");
    private static final Usage USAGE =
            new Usage(
                    Duration.ofMillis(1600),
                    Duration.ofMillis(1500),
                    Duration.ofNanos(20_000),
                    ByteSize.ofMiB(2),
                    MemorySource.CGROUP_V1_MAX_USAGE,
                    ByteSize.ofKiB(1300),
                    OptionalInt.of(3));
    private static final Limits LIMITS =
            Limits.builder()
                    .wallTime(Duration.ofSeconds(3))
                    .cpuTime(Duration.ofMillis(1500))
                    .memory(ByteSize.ofMiB(64))
                    .processes(16)
                    .fileSize(ByteSize.ofMiB(1))
                    .stack(ByteSize.ofMiB(8))
                    .openFiles(64)
                    .addressSpace(ByteSize.ofGiB(1))
                    .dataSegment(ByteSize.ofGiB(2))
                    .diskSize(ByteSize.ofMiB(16))
                    .diskFiles(4096)
                    .cpuRate(500)
                    .cpuSet("0-1,3")
                    .allowLess(true)
                    .build();
    private static final Evidence EVIDENCE =
            new Evidence(1, 2, Optional.of("ptrace"), List.of("bpf", "mount"), true);
    private static final String ID = "0123456789abcdef".repeat(4);
    private static final Bytes BYTES = Bytes.wrap(new byte[] {0, -1, 'a', '\n'});
    private static final Terminal TERMINAL =
            new Terminal(24, 80, Bytes.ofUtf8("ls\n"), ByteSize.ofKiB(64), false);
    private static final PipeLink PIPE =
            new PipeLink(new PipeLink.End(0, 5), new PipeLink.End(1, 0), Optional.empty());
    private static final PipeLink RELAYED =
            new PipeLink(
                    new PipeLink.End(1, 1),
                    new PipeLink.End(0, 6),
                    Optional.of(new PipeLink.Relay(ByteSize.ofKiB(64), false)));
    private static final Program PROGRAM_LEAST =
            new Program(
                    List.of("true"),
                    Optional.empty(),
                    Optional.empty(),
                    Map.of(),
                    Optional.empty(),
                    OptionalInt.empty(),
                    List.of(),
                    List.of(),
                    LIMITS,
                    new Seccomp("none"));
    private static final Program PROGRAM_MOST =
            new Program(
                    List.of("./a.out", "", "😀"),
                    Optional.of(List.of("A=1")),
                    Optional.of("/w"),
                    Map.of(
                            0, new Stream.Input(new Content.Inline(BYTES)),
                            1, new Stream.Collect(ByteSize.ofKiB(64), false),
                            2, new Stream.Null(),
                            3, new Stream.Given(),
                            4, new Stream.Input(new Content.Stored(ID))),
                    Optional.empty(),
                    OptionalInt.of(3),
                    List.of(
                            new CopyIn.File("a.out", new Content.HostFile("/data/a.out"), 0755),
                            new CopyIn.Link("in", "/usr/in")),
                    List.of(new CopyOut("out.txt", false, ByteSize.ofMiB(1), false)),
                    LIMITS,
                    new Seccomp("strict"));
    private static final Program PROGRAM_TERMINAL =
            new Program(
                    List.of("sh"),
                    Optional.empty(),
                    Optional.empty(),
                    Map.of(),
                    Optional.of(TERMINAL),
                    OptionalInt.empty(),
                    List.of(),
                    List.of(),
                    LIMITS,
                    new Seccomp("default"));
    private static final ProgramOutcome NOT_RUN =
            new ProgramOutcome(
                    Status.INTERNAL_ERROR,
                    Optional.of(FAILURE),
                    Optional.empty(),
                    Optional.empty(),
                    new Usage(
                            Duration.ZERO,
                            Duration.ZERO,
                            Duration.ZERO,
                            ByteSize.ZERO,
                            MemorySource.RUSAGE,
                            ByteSize.ZERO,
                            OptionalInt.empty()),
                    Duration.ZERO,
                    Duration.ZERO,
                    Map.of(),
                    Map.of(),
                    List.of(),
                    new Evidence(0, 0, Optional.empty(), List.of(), false));
    private static final ProgramOutcome OUTCOME =
            new ProgramOutcome(
                    Status.MEMORY_LIMIT,
                    Optional.empty(),
                    Optional.of(new Termination.Signalled(9, "SIGKILL", false)),
                    Optional.of(Limit.MEMORY),
                    USAGE,
                    Duration.ofMillis(1700),
                    Duration.ofNanos(400_000),
                    Map.of(1, new Output(BYTES, false), 2, new Output(Bytes.EMPTY, true)),
                    Map.of(
                            "out.txt", new Content.Inline(BYTES),
                            "a.out", new Content.Stored(ID)),
                    List.of(
                            new Enforced(Limit.MEMORY, Mechanism.CGROUP_V1),
                            new Enforced(Limit.CPU_TIME, Mechanism.INIT_CGROUP_V1)),
                    EVIDENCE);
    private static final ContainerConfig CONFIG =
            ContainerConfig.builder()
                    .mount(new Mount.Proc("/proc", true))
                    .mount(Mount.Bind.readOnly("/usr"))
                    .mount(Mount.Tmpfs.shared("/tmp", ByteSize.ofMiB(16), 1000))
                    .symbolicLink("/bin", "usr/bin")
                    .maskPath("/proc/keys")
                    .hostName("judge")
                    .domainName("example.org")
                    .workDirectory("/tmp")
                    .initCommand(List.of("/usr/bin/true", "ä"))
                    .environment("PATH", "/usr/bin")
                    .programCredential(new Credential(1000, 100))
                    .rootSize(ByteSize.ofMiB(1))
                    .build();

    static {
        put("ping", new Ping());
        put("conf", new Conf(CONFIG));
        put(
                "open",
                Open.of(
                        OpenFile.read("/w/in"),
                        OpenFile.create("out/a", 0600).asExclusive().withParents(),
                        OpenFile.append("log", 0644).withAccess(Access.READ_WRITE)));
        put("symlink", Symlink.of(new SymbolicLink("/w/a", "../b")));
        put("delete", new Delete("/w/a", true));
        put("reset", new Reset());
        put(
                "execve-least",
                Execve.of("true")
                        .rlimits(Rlimits.none())
                        .seccomp(Seccomp.NONE)
                        .limits(Limits.builder().wallTime(Duration.ofSeconds(2)).build())
                        .build());
        put(
                "execve-most",
                Execve.of("a.out", "", "😀")
                        .executableByDescriptor()
                        .environment(List.of("A=1", "B="))
                        .descriptors(0, 1, 2, 1023)
                        .workDirectory("/w")
                        .controllingTerminal(1023)
                        .rlimits(
                                Rlimits.builder()
                                        .cpuTime(Duration.ofMillis(1))
                                        .stack(ByteSize.ofMiB(8))
                                        .limit(
                                                new Rlimit(
                                                        Resource.RLIMIT_NOFILE,
                                                        64,
                                                        Rlimit.INFINITY))
                                        .build())
                        .seccomp(new Seccomp("strict"))
                        .credential(new Credential(65_535, 1))
                        .limits(LIMITS)
                        .announceStart(true)
                        .build());
        put("pong-idle", Pong.of(ContainerState.IDLE));
        put("pong-executing", Pong.executing(Duration.ofMillis(1234)));
        put("configured", new Configured(List.of("PATH=/bin", "E=")));
        put("linked-all", Linked.all());
        Map<String, Failure> errors = new LinkedHashMap<>();
        errors.put("/w/b", FAILURE);
        errors.put("/w/a", Failure.of(Failure.Kind.NOT_FOUND, "no such directory"));
        put("linked-some", new Linked(errors));
        put("deleted", new Deleted());
        put("reset-done", new ResetDone(2));
        put(
                "execve-result-exited",
                new ExecveResult(
                        new Termination.Exited(0),
                        USAGE,
                        Duration.ofMillis(1600),
                        Duration.ofNanos(400_000),
                        Optional.empty(),
                        false,
                        List.of(),
                        Evidence.none()));
        put(
                "execve-result-signalled",
                new ExecveResult(
                        new Termination.Signalled(9, "SIGKILL", false),
                        USAGE,
                        Duration.ofSeconds(2),
                        Duration.ZERO,
                        Optional.of(Limit.WALL_TIME),
                        true,
                        List.of(new Enforced(Limit.WALL_TIME, Mechanism.INIT)),
                        EVIDENCE));
        put("failure", FAILURE);
        put("failure-plain", Failure.of(Failure.Kind.BUSY, "16 commands are waiting"));
        put("file-error", new FileError("/w/in", FAILURE));
        put("container-config", CONFIG);
        put("bind", new Mount.Bind("/src", "/dst", false, true, true));
        put("tmpfs", new Mount.Tmpfs("/w", ByteSize.ofGiB(2), 65_536, 0755, 1000, 1001, true));
        put("proc", new Mount.Proc("/proc", false));
        put("symbolic-link", new SymbolicLink("/dev/fd", "/proc/self/fd"));
        put("mask-path", new MaskPath("/proc/kcore"));
        put("credential", new Credential(1000, 65_535));
        put("open-file", OpenFile.create("/w/out", 0640));
        put("executable-path", new Executable.OfPath("./a.out"));
        put("executable-descriptor", new Executable.OfDescriptor());
        put("seccomp", new Seccomp("default"));
        put("rlimits", Rlimits.builder().processes(64).build());
        put("rlimit", new Rlimit(Resource.RLIMIT_AS, 1L << 30, Rlimit.INFINITY));
        put("exited", new Termination.Exited(137));
        put("signalled", new Termination.Signalled(11, "SIGSEGV", true));
        put("usage", USAGE);
        put("limits", Limits.builder().output(ByteSize.ofMiB(1)).build());
        put("enforced", new Enforced(Limit.MEMORY, Mechanism.CGROUP_V2));
        put("evidence", EVIDENCE);
        put("byte-size", ByteSize.ofMiB(64));
        put("run-least", new Run("1", List.of(PROGRAM_LEAST), List.of(), Optional.empty()));
        put(
                "run-most",
                new Run(
                        "äb",
                        List.of(PROGRAM_MOST, PROGRAM_LEAST),
                        List.of(PIPE, RELAYED),
                        Optional.of(Duration.ofMillis(250))));
        put("program-least", PROGRAM_LEAST);
        put("program-most", PROGRAM_MOST);
        put("program-terminal", PROGRAM_TERMINAL);
        put("stream-null", new Stream.Null());
        put("stream-input", new Stream.Input(new Content.HostFile("/data/1.in")));
        put("stream-collect", new Stream.Collect(ByteSize.ofKiB(64), true));
        put("stream-given", new Stream.Given());
        put("content-inline", new Content.Inline(BYTES));
        put("content-stored", new Content.Stored(ID));
        put("content-host-file", new Content.HostFile("/data/1.in"));
        put("copy-in-file", new CopyIn.File("bin/a.out", new Content.Stored(ID), 0755));
        put("copy-in-link", new CopyIn.Link("/w/in", "1.in"));
        put("copy-out", new CopyOut("out.txt", true, ByteSize.ofMiB(1), true));
        put("terminal", TERMINAL);
        put("pipe-direct", PIPE);
        put("pipe-relayed", RELAYED);
        put("pipe-end", new PipeLink.End(15, 1023));
        put("relay", new PipeLink.Relay(ByteSize.ofMiB(1), true));
        put("output", new Output(BYTES, true));
        put("program-outcome-not-run", NOT_RUN);
        put("program-outcome", OUTCOME);
        put("run-result", new RunResult("1", List.of(OUTCOME, NOT_RUN), Map.of(1, BYTES)));
        put("bytes", BYTES);
        put("bytes-none", Bytes.EMPTY);
        putConstants(Status.values());
        putConstants(Limit.values());
        putConstants(Mechanism.values());
        putConstants(MemorySource.values());
        putConstants(Resource.values());
        putConstants(Access.values());
        putConstants(ContainerState.values());
        putConstants(Failure.Kind.values());
    }

    private Samples() {}

    private static void putConstants(Enum<?>[] constants) {
        for (Enum<?> constant : constants) {
            put(constant.getDeclaringClass().getSimpleName() + "." + constant.name(), constant);
        }
    }

    private static void put(String name, Object value) {
        if (ALL.put(name, value) != null) {
            throw new IllegalArgumentException("two samples are called " + name);
        }
    }
}
