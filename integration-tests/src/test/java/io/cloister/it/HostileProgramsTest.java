// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.typed.ActorRef;
import akka.actor.typed.javadsl.AskPattern;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.typesafe.config.ConfigFactory;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.libc.Architecture;
import io.cloister.protocol.message.ContainerState;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.message.PingReply;
import io.cloister.protocol.message.Pong;
import io.cloister.protocol.message.ResetDone;
import io.cloister.protocol.message.ResetReply;
import io.cloister.protocol.run.LimitFired;
import io.cloister.protocol.run.Rlimits;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.CloisterSettings;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.container.OpenReply;
import io.cloister.supervisor.container.Opened;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.pool.ContainerSupervisor;
import io.cloister.supervisor.pool.ContainerSupervisor.Acquire;
import io.cloister.supervisor.pool.ContainerSupervisor.AcquireReply;
import io.cloister.supervisor.pool.ContainerSupervisor.Lease;
import io.cloister.supervisor.pool.ContainerSupervisor.Release;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every hostile program of {@code src/test/c}, one after the other in the same pooled container:
 * each ends as {@code hostile.json} says, and leaves the container as it found it.
 */
@Timeout(120)
class HostileProgramsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String PROGRAM = "program";
    private static final int SHOWN_OUTPUT = 2000;

    @TempDir static Path directory;

    private static final Map<String, Path> COMPILED = new HashMap<>();
    private static Path sources;
    private static JsonNode defaults;
    private static ActorTestKit kit;
    private static ActorRef<ContainerSupervisor.Command> cloister;

    /** A line of hostile.json. */
    record Hostile(String name, JsonNode line) {
        @Override
        public String toString() {
            return name + ": " + line.get("misdeed").asText();
        }
    }

    /** What can be seen of a container's PID 1 from outside. */
    private record InitSeen(long pid, String limits, String scheduling, List<String> descriptors) {}

    static Stream<Hostile> programs() throws IOException {
        sources = Path.of("src/test/c").toAbsolutePath();
        JsonNode corpus = new ObjectMapper().readTree(sources.resolve("hostile.json").toFile());
        defaults = corpus.get("defaults");
        List<Hostile> programs = new ArrayList<>();
        corpus.get("programs")
                .forEach(line -> programs.add(new Hostile(line.get("name").asText(), line)));
        return programs.stream();
    }

    @BeforeAll
    static void start() {
        kit =
                ActorTestKit.create(
                        "hostile",
                        ConfigFactory.parseString(
                                        "cloister.containers { max = 1, warm = 1, max-uses = 100000 }")
                                .withFallback(ConfigFactory.load()));
        cloister =
                kit.spawn(
                        ContainerSupervisor.create(
                                CloisterSettings.from(kit.system().settings().config())));
    }

    @AfterAll
    static void stop() {
        kit.shutdownTestKit();
    }

    @ParameterizedTest
    @MethodSource("programs")
    void shouldContainIt(Hostile hostile) throws Exception {
        JsonNode line = hostile.line();
        assumeTrue(
                !line.has("architecture")
                        || line.get("architecture")
                                .asText()
                                .equals(Architecture.current().machine()),
                "for another architecture");
        byte[] program = compile(line.get("file").asText());
        Lease lease = acquire();
        boolean released = false;
        try {
            InitSeen before = lookAtInit(lease);

            assertEnds(run(lease, program, line, texts(line.get("arguments"))), line.get("expect"));
            assertNothingRuns(before.pid());
            assertThat(lookAtInit(lease)).isEqualTo(before);
            assertOpens(lease, line);
            JsonNode afterwards = line.get("afterwards");
            if (afterwards != null) {
                if (afterwards.get("reset").asBoolean()) {
                    assertResets(lease);
                }
                assertEnds(
                        run(lease, program, line, texts(afterwards.get("arguments"))),
                        afterwards.get("expect"));
            }
            assertResets(lease);
            assertEchoes(lease);
            assertThat(lookAtInit(lease)).isEqualTo(before);

            cloister.tell(new Release(lease));
            released = true;
            Lease again = acquire();
            cloister.tell(new Release(again));
            assertThat(again.container()).as("the same container").isEqualTo(lease.container());
            assertThat(Fd.leaks()).as("lost descriptors").isZero();
        } finally {
            if (!released) {
                lease.container().tell(new Container.Destroy());
                cloister.tell(new Release(lease));
            }
        }
    }

    // ---- what is run -------------------------------------------------------------------------

    /** How a run ended, and what it wrote to its standard output, for messages. */
    private record Ended(ExecveReply reply, String output, boolean inputUnchanged) {}

    private static Ended run(Lease lease, byte[] program, JsonNode line, List<String> arguments)
            throws Exception {
        OpenFile file = OpenFile.create(PROGRAM, 0755);
        OpenReply opened =
                ask(lease.container(), to -> new Container.OpenFiles(Open.of(file), to));
        try (Opened files = (Opened) opened) {
            assertThat(files.errors()).isEmpty();
            files.files().get(PROGRAM).write(program);
        }
        List<String> argv = new ArrayList<>(List.of("./" + PROGRAM));
        argv.addAll(arguments);
        Map<Integer, Fd> descriptors = new HashMap<>();
        byte[] text = "what the judge gave\n".getBytes(StandardCharsets.US_ASCII);
        try (Fd output = MemFd.writable("output");
                Fd input = MemFd.sealed("input", text)) {
            descriptors.put(1, output.duplicate());
            descriptors.put(2, output.duplicate());
            if (line.has("input")) {
                descriptors.put(0, input.duplicate());
            }
            Execve.Builder request =
                    Execve.of(argv)
                            .descriptors(descriptors.keySet())
                            .rlimits(rlimits(line))
                            .wallTime(Duration.ofMillis(limit(line, "wallMillis").asLong()));
            if (line.has("environment")) {
                request.environment(texts(line.get("environment")));
            }
            Execve execve = request.build();
            ExecveReply reply =
                    ask(
                            lease.container(),
                            to ->
                                    new Container.Execute(
                                            execve, ExecveDescriptors.of(descriptors), to));
            return new Ended(
                    reply,
                    new String(output.readUpTo(SHOWN_OUTPUT), StandardCharsets.UTF_8),
                    java.util.Arrays.equals(input.readUpTo(1000), text));
        }
    }

    private static Rlimits rlimits(JsonNode line) {
        Rlimits.Builder limits = Rlimits.builder();
        JsonNode cpu = limit(line, "cpuSeconds");
        if (!cpu.isNull()) {
            limits.cpuTime(Duration.ofSeconds(cpu.asLong()));
        }
        JsonNode addressSpace = limit(line, "addressSpaceMiB");
        if (!addressSpace.isNull()) {
            limits.addressSpace(ByteSize.ofMiB(addressSpace.asLong()));
        }
        JsonNode processes = limit(line, "processes");
        if (!processes.isNull()) {
            limits.processes(processes.asLong());
        }
        JsonNode fileSize = limit(line, "fileSizeMiB");
        if (!fileSize.isNull()) {
            limits.fileSize(ByteSize.ofMiB(fileSize.asLong()));
        }
        JsonNode openFiles = limit(line, "openFiles");
        if (!openFiles.isNull()) {
            limits.openFiles(openFiles.asLong());
        }
        return limits.build();
    }

    private static JsonNode limit(JsonNode line, String name) {
        JsonNode own = line.path("limits").get(name);
        return own == null ? defaults.get(name) : own;
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        if (array != null) {
            array.forEach(text -> texts.add(text.asText()));
        }
        return texts;
    }

    private static byte[] compile(String file) throws Exception {
        Path program = COMPILED.get(file);
        if (program == null) {
            program = directory.resolve(file + ".out");
            Process cc;
            try {
                cc =
                        new ProcessBuilder(
                                        "cc",
                                        "-O1",
                                        "-static",
                                        "-pthread",
                                        "-o",
                                        program.toString(),
                                        sources.resolve(file).toString())
                                .redirectErrorStream(true)
                                .redirectOutput(directory.resolve("cc.log").toFile())
                                .start();
            } catch (IOException e) {
                assumeTrue(false, "no C compiler (cc)");
                throw e;
            }
            assertThat(cc.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(cc.exitValue())
                    .as(Files.readString(directory.resolve("cc.log")))
                    .isZero();
            COMPILED.put(file, program);
        }
        return Files.readAllBytes(program);
    }

    // ---- what is observed --------------------------------------------------------------------

    private static void assertEnds(Ended ended, JsonNode expected) {
        if (!(ended.reply() instanceof ExecveResult result)) {
            throw new AssertionError("not run: " + ended.reply());
        }
        String end =
                switch (result.termination()) {
                    case Termination.Exited exited -> "exit:" + exited.code();
                    case Termination.Signalled signalled -> "signal:" + signalled.signal();
                };
        String seen =
                result.limit().map(LimitFired::text).orElse(end);
        assertThat(texts(expected)).as(result + "\n" + ended.output()).contains(seen);
        assertThat(result.killed()).isFalse();
        assertThat(ended.inputUnchanged()).as("input unchanged").isTrue();
    }

    private static void assertOpens(Lease lease, JsonNode line) throws Exception {
        if (!line.has("open")) {
            return;
        }
        String path = line.get("open").asText();
        OpenReply reply =
                ask(
                        lease.container(),
                        to -> new Container.OpenFiles(Open.of(OpenFile.read(path)), to));
        try (Opened opened = (Opened) reply) {
            assertThat(opened.errors().containsKey(path))
                    .as(opened.toString())
                    .isEqualTo(line.get("openFails").asBoolean());
            for (Fd file : opened.files().values()) {
                assertThat(file.readUpTo(1 << 20).length).isLessThanOrEqualTo(1 << 20);
            }
        }
    }

    private static void assertIdle(Lease lease) {
        PingReply pong = ask(lease.container(), Container.Ping::new);
        assertThat(pong).isEqualTo(Pong.of(ContainerState.IDLE));
    }

    private static void assertResets(Lease lease) {
        ResetReply reply = ask(lease.container(), Container.Reset::new);
        assertThat(reply).isInstanceOf(ResetDone.class);
    }

    private static void assertEchoes(Lease lease) throws Exception {
        try (Fd output = MemFd.writable("output")) {
            Map<Integer, Fd> descriptors = Map.of(1, output.duplicate());
            Execve request = Execve.of("echo", "hello").descriptors(1).build();
            ExecveReply reply =
                    ask(
                            lease.container(),
                            to ->
                                    new Container.Execute(
                                            request, ExecveDescriptors.of(descriptors), to));
            assertThat(((ExecveResult) reply).termination()).isEqualTo(new Termination.Exited(0));
            assertThat(new String(output.readUpTo(100), StandardCharsets.UTF_8))
                    .isEqualTo("hello\n");
        }
    }

    private static InitSeen lookAtInit(Lease lease) throws IOException {
        assertIdle(lease); // init closes what a program left open after its reply, so: one more
        long init = initPid();
        Path proc = Path.of("/proc/" + init);
        String stat = Files.readString(proc.resolve("stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        String affinity =
                Files.readAllLines(proc.resolve("status")).stream()
                        .filter(row -> row.startsWith("Cpus_allowed:"))
                        .findFirst()
                        .orElseThrow();
        List<String> descriptors = new ArrayList<>();
        try (Stream<Path> files = Files.list(proc.resolve("fd"))) {
            files.map(file -> file.getFileName().toString()).sorted().forEach(descriptors::add);
        }
        // fields 18 and 19 of proc(5) are priority and nice, 40 and 41 real-time priority and policy
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

    /** The one descendant of this JVM that is the first process of a PID namespace. */
    private static long initPid() throws IOException {
        List<Long> inits = new ArrayList<>();
        for (ProcessHandle process : ProcessHandle.current().descendants().toList()) {
            Path status = Path.of("/proc/" + process.pid() + "/status");
            if (Files.exists(status)
                    && Files.readAllLines(status).stream()
                            .anyMatch(row -> row.matches("NSpid:\\s+\\d+\\s+1"))) {
                inits.add(process.pid());
            }
        }
        assertThat(inits).as("inits").hasSize(1);
        return inits.getFirst();
    }

    private static void assertNothingRuns(long init) throws IOException {
        assertThat(
                        Files.readString(
                                        Path.of("/proc/%d/task/%d/children".formatted(init, init)))
                                .strip())
                .as("children of PID 1")
                .isEmpty();
    }

    // ---- asking ------------------------------------------------------------------------------

    private static Lease acquire() {
        CompletionStage<AcquireReply> reply =
                AskPattern.ask(
                        cloister,
                        to -> new Acquire(Optional.empty(), to),
                        PATIENCE,
                        kit.scheduler());
        AcquireReply acquired = reply.toCompletableFuture().join();
        return acquired instanceof Lease lease ? lease : fail("no container: " + acquired);
    }

    private static <R> R ask(
            ActorRef<Container.Command> container,
            Function<ActorRef<R>, Container.Command> request) {
        CompletionStage<R> reply =
                AskPattern.ask(container, request::apply, PATIENCE, kit.scheduler());
        return reply.toCompletableFuture().join();
    }
}
