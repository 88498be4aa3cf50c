// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.libc.LibC;
import io.cloister.protocol.message.ContainerState;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.message.Pong;
import io.cloister.protocol.message.ResetDone;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.CopyOut;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.container.Opened;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Runs hostile programs in the one container of a worker, and looks whether each ended as it should
 * and left everything as it found it: the container, its PID 1, and the host.
 */
final class HostileTrial {
    private static final String PROGRAM = "program";
    private static final int READ_LIMIT = 1 << 20;
    private static final byte[] INPUT = "what the judge gave\n".getBytes(StandardCharsets.US_ASCII);

    /** Settings of the host that programs of the corpus try to change. */
    private static final List<String> SETTINGS =
            List.of(
                    "kernel/hostname",
                    "kernel/domainname",
                    "kernel/core_pattern",
                    "kernel/randomize_va_space",
                    "kernel/pid_max",
                    "kernel/sysrq",
                    "kernel/msgmax",
                    "kernel/shmmax",
                    "fs/mqueue/msg_max",
                    "net/ipv4/ip_forward",
                    "user/max_user_namespaces",
                    "vm/overcommit_memory");

    /** Output of a program that shows whether the container is as new. */
    private static final String AS_NEW =
            "echo hello; stat -c '%n %a %u %g %h' /w /tmp; ls -A /w /tmp; hostname";

    private static final ByteSize SMALL = ByteSize.ofMiB(20);
    private static final Program.Builder HELLO =
            Program.of("/bin/echo", "hello")
                    .collect(ByteSize.ofKiB(1))
                    .limits(Limits.builder().memory(ByteSize.ofMiB(32)).processes(1).build());

    private final Worker worker;
    private final HostileCorpus corpus;
    private final String asNew;
    private final boolean root = LibC.geteuid() == 0;

    /** What can be seen of a container's PID 1 from outside. */
    private record InitSeen(long pid, String limits, String scheduling, List<String> descriptors) {}

    /** For a worker with one container. */
    HostileTrial(Worker worker, HostileCorpus corpus) {
        this.worker = worker;
        this.corpus = corpus;
        worker.run(Program.of("/bin/true").collect(ByteSize.ofKiB(1))); // the collector's thread
        try (Leased fresh = worker.acquire()) {
            asNew = fresh.shell(AS_NEW);
        }
    }

    /** Settings of a worker for this: one container, however often it is used. */
    static String settings() {
        return "cloister.containers { max = 1, warm = 1, max-uses = 100000 }";
    }

    /** Throws an {@link AssertionError} that says what is wrong. */
    void run(HostileCorpus.Hostile hostile) throws IOException {
        JsonNode line = hostile.line();
        worker.awaitCalm();
        HostState host = HostState.now();
        Map<String, String> settings = hostSettings();
        Leased leased = worker.acquire();
        boolean clean = false;
        try {
            InitSeen before = lookAtInit(leased);

            assertEnds(run(leased, hostile, hostile.arguments()), line.get("expect"));
            assertNothingRuns(before.pid());
            if (HostileCorpus.texts(line.get("expect")).contains("signal:11")) {
                assertThat(leased.shell("ls -A")).as("no core").isEqualTo(PROGRAM + "\n");
            }
            assertThat(lookAtInit(leased)).as("PID 1").isEqualTo(before);
            assertOpens(leased, line);
            JsonNode afterwards = line.get("afterwards");
            if (afterwards != null) {
                if (afterwards.get("reset").asBoolean()) {
                    assertResets(leased);
                }
                assertEnds(
                        run(leased, hostile, HostileCorpus.texts(afterwards.get("arguments"))),
                        afterwards.get("expect"));
            }
            assertResets(leased);
            assertThat(leased.shell(AS_NEW)).isEqualTo(asNew);
            assertThat(lookAtInit(leased)).as("PID 1 after a reset").isEqualTo(before);
            clean = true;
        } finally {
            if (!clean) {
                leased.tell(new Container.Destroy());
            }
            leased.close();
        }
        try (Leased again = worker.acquire()) {
            assertThat(again.container()).as("the same container").isEqualTo(leased.container());
        }
        worker.awaitCalm();
        host.assertUnchanged();
        assertThat(hostSettings()).isEqualTo(settings);
        assertThat(Fd.leaks()).as("lost descriptors").isZero();
    }

    /**
     * The same as a client's run, with every limit that there is; nobody but the pool looks after
     * the container. Throws an {@link AssertionError} that says what is wrong.
     */
    void submit(HostileCorpus.Hostile hostile) throws IOException {
        JsonNode line = hostile.line();
        JsonNode expected = line.path("run").path("expect");
        InitSeen before = lookAtIdle();
        HostState host = HostState.now();
        Map<String, String> settings = hostSettings();

        ProgramOutcome outcome = submit(hostile, hostile.arguments());
        assertEnds(outcome, expected.isMissingNode() ? line.get("expect") : expected);
        assertThat(outcome.usage().cpuTime())
                .isGreaterThanOrEqualTo(Duration.ofMillis(line.path("cpuMillis").asLong()));
        JsonNode afterwards = line.get("afterwards");
        if (afterwards != null) {
            assertEnds(
                    submit(hostile, HostileCorpus.texts(afterwards.get("arguments"))),
                    afterwards.get("expect"));
        }

        assertThat(lookAtIdle()).as("PID 1 and its container").isEqualTo(before);
        ProgramOutcome next = worker.run(HELLO);
        assertThat(next.status()).as(next.toString()).isEqualTo(Status.OK);
        assertThat(next.outputs().get(1).content().utf8()).contains("hello\n");
        assertThat(next.usage().memory()).as("the next run's memory").isLessThan(SMALL);
        worker.awaitCalm();
        host.assertUnchanged();
        assertThat(hostSettings()).isEqualTo(settings);
        assertThat(Fd.leaks()).as("lost descriptors").isZero();
    }

    private ProgramOutcome submit(HostileCorpus.Hostile hostile, List<String> arguments)
            throws IOException {
        List<String> argv = new ArrayList<>(List.of("./" + PROGRAM));
        argv.addAll(arguments);
        Program.Builder program =
                Program.of(argv)
                        .copyIn(
                                new CopyIn.File(
                                        PROGRAM, Content.of(corpus.executable(hostile)), 0755))
                        .limits(corpus.limits(hostile))
                        .collect(ByteSize.ofBytes(READ_LIMIT));
        if (hostile.line().has("environment")) {
            program.environment(HostileCorpus.texts(hostile.line().get("environment")));
        }
        if (hostile.line().has("input")) {
            program.stream(0, new io.cloister.protocol.run.Stream.Input(Content.of(INPUT)));
        }
        if (hostile.line().has("open")) {
            program.copyOut(CopyOut.required(hostile.line().get("open").asText()));
        }
        return worker.run(program);
    }

    /** The container between two runs: nothing is in it but its PID 1. */
    private InitSeen lookAtIdle() throws IOException {
        worker.awaitCalm();
        try (Leased leased = worker.acquire()) {
            InitSeen seen = lookAtInit(leased);
            assertNothingRuns(seen.pid());
            Waiting.until(() ->
                    assertThat(Set.copyOf(ControlGroups.processes()))
                            .as("what is in the control groups")
                            .isSubsetOf(seen.pid()));
            assertThat(leased.shell(AS_NEW)).isEqualTo(asNew);
            return seen;
        }
    }

    // ---- what is run ------------------------------------------------------------------------

    private Ran run(Leased leased, HostileCorpus.Hostile hostile, List<String> arguments)
            throws IOException {
        leased.write(PROGRAM, corpus.executable(hostile), 0755);
        List<String> argv = new ArrayList<>(List.of("./" + PROGRAM));
        argv.addAll(arguments);
        Execve.Builder request =
                Execve.of(argv).rlimits(corpus.rlimits(hostile)).wallTime(corpus.wallTime(hostile));
        if (hostile.line().has("environment")) {
            request.environment(HostileCorpus.texts(hostile.line().get("environment")));
        }
        if (!hostile.line().has("input")) {
            return leased.run(request);
        }
        try (Fd input = MemFd.sealed("input", INPUT)) {
            Ran ran = leased.run(request, Map.of(0, input.duplicate()));
            assertThat(input.readUpTo(READ_LIMIT)).as("input").isEqualTo(INPUT);
            return ran;
        }
    }

    // ---- what is observed -------------------------------------------------------------------

    private static void assertEnds(Ran ran, JsonNode expected) {
        ExecveResult result = ran.result();
        String end =
                switch (result.termination()) {
                    case Termination.Exited exited -> "exit:" + exited.code();
                    case Termination.Signalled signalled -> "signal:" + signalled.signal();
                };
        assertThat(HostileCorpus.texts(expected))
                .as("%s%n%s", result, ran.stdout().lines().limit(20).toList())
                .contains(result.limit().map(Limit::text).orElse(end));
        assertThat(result.killed()).as("killed").isFalse();
    }

    private static void assertEnds(ProgramOutcome outcome, JsonNode expected) {
        String end =
                switch (outcome.status()) {
                    case TIME_LIMIT, MEMORY_LIMIT, OUTPUT_LIMIT ->
                            outcome.limit().orElseThrow().text();
                    case OK, NONZERO_EXIT, SIGNALLED ->
                            switch (outcome.termination().orElseThrow()) {
                                case Termination.Exited exited -> "exit:" + exited.code();
                                case Termination.Signalled signalled ->
                                        "signal:" + signalled.signal();
                            };
                    case FILE_ERROR, DISALLOWED_SYSCALL, CANCELLED, INTERNAL_ERROR ->
                            outcome.status().name().toLowerCase(Locale.ROOT).replace('_', '-');
                };
        assertThat(HostileCorpus.texts(expected)).as(outcome.toString()).contains(end);
    }

    private static void assertOpens(Leased leased, JsonNode line) throws IOException {
        if (!line.has("open")) {
            return;
        }
        String path = line.get("open").asText();
        try (Opened opened = leased.open(OpenFile.read(path))) {
            assertThat(opened.errors().containsKey(path))
                    .as(opened.toString())
                    .isEqualTo(line.get("openFails").asBoolean());
            for (Fd file : opened.files().values()) {
                assertThat(file.readUpTo(READ_LIMIT)).hasSizeLessThanOrEqualTo(READ_LIMIT);
            }
        }
    }

    private static void assertResets(Leased leased) {
        assertThat(leased.reset()).isInstanceOf(ResetDone.class);
    }

    private InitSeen lookAtInit(Leased leased) throws IOException {
        // init closes what a program left open after its reply, so: one more
        assertThat(leased.ping()).isEqualTo(Pong.of(ContainerState.IDLE));
        long init = leased.lease().init();
        Path proc = Path.of("/proc/" + init);
        String stat = Files.readString(proc.resolve("stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        String affinity =
                Files.readAllLines(proc.resolve("status")).stream()
                        .filter(row -> row.startsWith("Cpus_allowed:"))
                        .findFirst()
                        .orElseThrow();
        List<String> descriptors = new ArrayList<>();
        if (root) { // an ordinary user may not look into an init that cannot be dumped
            try (Stream<Path> files = Files.list(proc.resolve("fd"))) {
                files.map(file -> file.getFileName().toString()).sorted().forEach(descriptors::add);
            }
        }
        // fields 18 and 19 of proc(5) are priority and nice, 40 and 41 real-time priority and
        // policy
        return new InitSeen(
                init,
                Files.readString(proc.resolve("limits")),
                String.join(
                        " ",
                        fields[18 - 3],
                        fields[19 - 3],
                        fields[40 - 3],
                        fields[41 - 3],
                        affinity,
                        Files.readString(proc.resolve("oom_score_adj")).strip()),
                descriptors);
    }

    private static void assertNothingRuns(long init) throws IOException {
        Path children = Path.of("/proc/%d/task/%d/children".formatted(init, init));
        assertThat(Files.readString(children).strip()).as("children of PID 1").isEmpty();
    }

    private static Map<String, String> hostSettings() throws IOException {
        Map<String, String> values = new TreeMap<>();
        for (String setting : SETTINGS) {
            Path file = Path.of("/proc/sys").resolve(setting);
            if (Files.isReadable(file)) {
                values.put(setting, Files.readString(file).strip());
            }
        }
        return values;
    }
}
