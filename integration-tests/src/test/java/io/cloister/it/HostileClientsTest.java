// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.cloister.nativeio.fd.EventFd;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.fd.PidFd;
import io.cloister.nativeio.fd.Pipe;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.socket.Packet;
import io.cloister.nativeio.socket.PacketSocket;
import io.cloister.protocol.container.SymbolicLink;
import io.cloister.protocol.message.Delete;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.message.Ping;
import io.cloister.protocol.message.Pong;
import io.cloister.protocol.message.Request;
import io.cloister.protocol.message.Reset;
import io.cloister.protocol.message.Symlink;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.service.ClientFrame;
import io.cloister.protocol.service.ClientFrame.Call;
import io.cloister.protocol.service.ClientFrame.Hello;
import io.cloister.protocol.service.ClientFrame.Kill;
import io.cloister.protocol.service.ClientFrame.Look;
import io.cloister.protocol.service.ClientFrame.Proceed;
import io.cloister.protocol.service.FrameKryo;
import io.cloister.protocol.service.ServiceFrame;
import io.cloister.protocol.service.ServiceFrame.Announced;
import io.cloister.protocol.service.ServiceFrame.Answer;
import io.cloister.protocol.service.ServiceFrame.Looked;
import io.cloister.protocol.service.ServiceFrame.OpenedFiles;
import io.cloister.protocol.service.ServiceFrame.Refused;
import io.cloister.protocol.service.ServiceFrame.Welcome;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.service.ContainerService;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/**
 * Clients of the service that break its rules. After each of them nothing is left of it, what it
 * had of its quota is there again, and another client is served.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(120)
@SuppressWarnings("NullAway.Init") // set before all tests
class HostileClientsTest {
    private static final int CONTAINERS = 4;
    private static final int CALLS = 8;
    private static final ByteSize MEMORY = ByteSize.ofMiB(256);
    private static final int ADMITTED_USER = 61_235;
    private static final int ADMITTED_GROUP = 61_236;
    private static final int STRANGER = 61_237;

    private static final String SETTINGS =
            """
            akka.loglevel = INFO
            cloister.containers { max = 1, warm = 0 }
            cloister.socket.timeout = 40s
            cloister.service {
              hello-timeout = 3s
              socket.mode = "0666"
              peers { users = ["61235"], groups = ["61236"] }
              quota { containers = 4, descriptors = 300, calls = 8 }
            }
            """;

    private static final String SERVICE =
            """
            quota.memory = 256MiB
            profile-defaults { limits.memory = 256MiB, settings.containers { max = 8, warm = 2 } }
            """;

    @TempDir private static Path directory;

    private Worker worker;
    private Path path;
    private HostState before;

    @BeforeAll
    void startService() throws Exception {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        path = directory.resolve("service");
        worker = Worker.startOverSocket(path, SETTINGS, SERVICE);
        shouldServeOthers();
        LingeringSocket.open().close(); // the JVM keeps a socket for closing others
        before = HostState.now();
    }

    @AfterAll
    void stopService() {
        worker.close();
    }

    @AfterEach
    void shouldHaveNothingLeft() throws Exception {
        shouldServeOthers();
        before.assertUnchanged();
    }

    /** As many at once as the quota allows, with all the memory and descriptors it allows. */
    private void shouldServeOthers() throws Exception {
        List<RawClient> all = new ArrayList<>();
        Waiting.until(() -> assertThat(connections()).isZero());
        for (int i = 0; i < CONTAINERS; i++) {
            all.add(welcomed());
        }
        try (Fd file = MemFd.sealed("file", new byte[0])) {
            RawClient first = all.getFirst();
            first.call(
                    1,
                    program("/bin/true").limits(memory(MEMORY)).descriptors(numbers(248)).build(),
                    Collections.nCopies(248, file).toArray(Fd[]::new));
            assertThat(first.answer(1))
                    .isInstanceOfSatisfying(
                            ExecveResult.class,
                            result ->
                                    assertThat(result.termination())
                                            .isEqualTo(new Termination.Exited(0)));
        } finally {
            all.forEach(RawClient::close);
        }
        Waiting.until(() -> assertThat(connections()).isZero());
    }

    /** How many there are: the service's ends. */
    private int connections() throws IOException {
        return (int)
                Files.readAllLines(Path.of("/proc/net/unix")).stream()
                        .filter(line -> line.endsWith(" " + path))
                        .filter(line -> line.split(" +")[5].equals("03"))
                        .count();
    }

    private static Limits memory(ByteSize size) {
        return Limits.standard().toBuilder().memory(size).build();
    }

    private static List<Integer> numbers(int count) {
        return java.util.stream.IntStream.range(0, count).boxed().toList();
    }

    private static Execve.Builder program(String... argv) {
        return Execve.of(argv).limits(memory(ByteSize.ofMiB(16)));
    }

    private static Execve sleep() {
        return program("/bin/sleep", "60").wallTime(Duration.ofSeconds(100)).build();
    }

    private void assertRefused(RawClient client, String why) throws IOException {
        try (client) {
            assertThat(client.refusal()).contains(why);
        }
    }

    /** A connection that the quota has room for, once those before it have ended. */
    private RawClient connect() throws IOException {
        Waiting.until(() -> assertThat(connections()).isLessThan(CONTAINERS));
        return RawClient.connect(path);
    }

    private RawClient welcomed() {
        return Awaitility.await()
                .pollInSameThread()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(10))
                .atMost(Worker.PATIENCE)
                .ignoreExceptions()
                .until(() -> RawClient.connect(path).welcomed(), welcomed -> true);
    }

    // ---- frames ------------------------------------------------------------------------------

    @Test
    void shouldRefuseAGreetingThatIsCutAnywhere() throws Exception {
        byte[] hello = RawClient.bytes(FrameKryo.hello("standard"));
        for (int length = 1; length < hello.length; length++) {
            RawClient client = connect();
            client.send(Arrays.copyOf(hello, length), List.of());
            assertRefused(client, "");
        }
    }

    @Test
    void shouldRefuseACallThatIsCutAnywhere() throws Exception {
        byte[] call = RawClient.bytes(new Call(1, Symlink.of(new SymbolicLink("/w/a", "b"))));
        for (int length = 1; length < call.length; length++) {
            try (RawClient client = welcomed()) {
                client.send(Arrays.copyOf(call, length), List.of());
                assertThat(client.refusal()).contains("could not be read");
            }
        }
    }

    /** With a count, an id or a text that is another: it is answered, or the connection ends. */
    @Test
    void shouldSurviveEveryLieInACall() throws Exception {
        byte[] call =
                RawClient.bytes(
                        new Call(1, Open.of(OpenFile.read("/w/a"), OpenFile.create("/w/b", 0644))));
        int refused = 0;
        for (int i = 0; i < call.length; i++) {
            byte[] lie = call.clone();
            lie[i] = (byte) (lie[i] == 0x7f ? 0x70 : 0x7f);
            try (RawClient client = welcomed()) {
                client.send(lie, List.of());
                ServiceFrame answer = client.receive();
                assertThat(answer).isInstanceOfAny(Refused.class, Answer.class, OpenedFiles.class);
                refused += answer instanceof Refused ? 1 : 0;
            }
        }
        assertThat(refused).isGreaterThan(call.length / 4);
    }

    @Test
    void shouldRefuseAFrameThatIsTooLong() throws Exception {
        try (Fd file = MemFd.sealed("file", new byte[0])) {
            RawClient client = connect();
            client.send(new byte[193 * 1024], Collections.nCopies(20, file));
            assertRefused(client, "longer than 196608 bytes");
        }
    }

    @Test
    void shouldEndAtAnEmptyPacket() throws Exception {
        try (RawClient client = welcomed();
                Fd raw = client.socket().readiness();
                com.sun.jna.Memory message = new com.sun.jna.Memory(Linux.msghdr_SIZE)) {
            message.clear();
            assertThat(io.cloister.nativeio.libc.LibC.sendmsg(raw.number(), message, 0)).isZero();
            client.assertEnd();
        }
    }

    @Test
    void shouldRefuseWhatComesOutOfTurn() throws Exception {
        RawClient early = connect();
        early.send(new Call(1, new Ping()));
        assertRefused(early, "before the greeting");
        RawClient killer = connect();
        killer.send(new Kill(1));
        assertRefused(killer, "before the greeting");
        RawClient onlooker = connect();
        onlooker.send(new Look(1));
        assertRefused(onlooker, "before the greeting");
        RawClient again = welcomed();
        again.call(7, new Ping());
        assertThat(again.answer(7)).isInstanceOf(Pong.class);
        again.send(new Look(7));
        assertRefused(again, "serial numbers ascend");
        RawClient twice = welcomed();
        twice.send(FrameKryo.hello("standard"));
        assertRefused(twice, "after the greeting");
        RawClient same = welcomed();
        same.call(7, new Ping());
        assertThat(same.answer(7)).isInstanceOf(Pong.class);
        same.call(7, new Ping());
        assertRefused(same, "serial numbers ascend");
        RawClient service = connect();
        service.send(RawClient.bytes(new Answer(1, Failure.of(Failure.Kind.BUSY, "x"))), List.of());
        assertRefused(service, "could not be read");
    }

    @Test
    void shouldRefuseAGreetingThatFitsNoService() throws Exception {
        RawClient profile = connect();
        profile.send(FrameKryo.hello("no-such"));
        assertRefused(profile, "there is no such profile: name one of [standard]");
        RawClient old = connect();
        old.send(new Hello(0, 1, "standard"));
        assertRefused(old, "the client knows versions 0 to 1");
        RawClient modern = connect();
        modern.send(new Hello(200, 255, "standard"));
        assertRefused(modern, "upgrade the service");
    }

    @Test
    void shouldEndAConnectionThatSaysNothing() throws Exception {
        List<RawClient> silent = new ArrayList<>();
        for (int i = 0; i < CONTAINERS; i++) {
            silent.add(connect());
        }
        assertRefused(RawClient.connect(path), "at most 4 are allowed");
        for (RawClient client : silent) {
            assertRefused(client, "no greeting came in time");
        }
    }

    @Test
    void shouldIgnoreSignsForCallsThatAreOver() throws Exception {
        try (RawClient client = welcomed()) {
            client.call(1, program("/bin/true").build());
            assertThat(client.answer(1)).isInstanceOf(ExecveResult.class);
            for (int i = 0; i < 100; i++) {
                client.send(new Kill(1));
                client.send(new Proceed(1));
                client.send(new Kill(1000));
                client.call(2 + i, new Ping());
                assertThat(client.answer(2 + i)).isInstanceOf(Pong.class);
            }
            client.call(200, program("/bin/true").build());
            assertThat(client.answer(200)).isInstanceOf(ExecveResult.class);
        }
    }

    @Test
    void shouldNotRunAProgramThatIsKilledWhileItWaits() throws Exception {
        try (RawClient client = welcomed();
                Fd file = MemFd.sealed("file", new byte[0])) {
            client.call(1, sleep().toBuilder().announceStart(true).build());
            assertThat(client.receive()).isInstanceOf(Announced.class);
            client.call(2, program("/bin/true").descriptors(0).build(), file);
            client.send(new Kill(2));
            assertThat(client.answer(2))
                    .isInstanceOfSatisfying(
                            Failure.class,
                            failure -> assertThat(failure.kind()).isEqualTo(Failure.Kind.REFUSED));
            client.send(new Kill(1));
            assertThat(client.answer(1)).isInstanceOf(Failure.class);
            client.call(3, program("/bin/true").build());
            assertThat(client.answer(3)).isInstanceOf(ExecveResult.class);
        }
    }

    // ---- descriptors -------------------------------------------------------------------------

    @Test
    void shouldRefuseDescriptorsThatNoFrameTakes() throws Exception {
        try (Fd file = MemFd.sealed("file", new byte[0])) {
            for (int count : new int[] {1, 2, 100, PacketSocket.MAX_DESCRIPTORS}) {
                List<Fd> files = Collections.nCopies(count, file);
                RawClient greeting = connect();
                greeting.send(FrameKryo.hello("standard"), files);
                assertRefused(greeting, count + " descriptors came with a frame of 0");
                RawClient ping = welcomed();
                ping.send(new Call(1, new Ping()), files);
                assertRefused(ping, count + " descriptors came with a frame of 0");
                RawClient kill = welcomed();
                kill.send(new Kill(1), files);
                assertRefused(kill, count + " descriptors came with a frame of 0");
                RawClient look = welcomed();
                look.send(new Look(1), files);
                assertRefused(look, count + " descriptors came with a frame of 0");
                RawClient garbage = welcomed();
                garbage.send(new byte[] {1, 2, 3}, files);
                assertRefused(garbage, "could not be read");
                RawClient execve = welcomed();
                execve.send(new Call(1, program("/bin/true").descriptors(0, 1, 2).build()), files);
                assertRefused(execve, count + " descriptors came with a frame of 3");
            }
            RawClient none = welcomed();
            none.call(1, program("/bin/true").descriptors(0).build());
            assertRefused(none, "0 descriptors came with a frame of 1");
        }
    }

    @Test
    void shouldRefuseDescriptorsOfEveryWrongKind() throws Exception {
        Map<String, Fd> wrong = new LinkedHashMap<>();
        wrong.put("DIRECTORY", Fd.open("/", Linux.O_RDONLY, 0));
        wrong.put("PATH_ONLY", Fd.open("/etc/passwd", Linux.O_PATH, 0));
        wrong.put("OTHER_FILE", Fd.open("/proc/self/status", Linux.O_RDONLY, 0));
        wrong.put("DEVICE", Fd.open("/dev/ptmx", Linux.O_RDWR, 0));
        PacketSocket.Pair pair = PacketSocket.pair("nobody");
        wrong.put("SOCKET", pair.theirs());
        EventFd event = EventFd.open("event");
        PidFd self = PidFd.open((int) ProcessHandle.current().pid());
        try (RawClient client = welcomed();
                Pipe pipe = Pipe.open("wrong way");
                Fd program = MemFd.sealed("program", new byte[0])) {
            int serial = 0;
            for (Map.Entry<String, Fd> each : wrong.entrySet()) {
                for (int number : new int[] {0, 1, 3, 1023}) {
                    client.call(
                            ++serial,
                            program("/bin/true").descriptors(number).build(),
                            each.getValue());
                    assertUnfit(client.answer(serial), each.getKey());
                }
                client.call(
                        ++serial, program("x").executableByDescriptor().build(), each.getValue());
                assertUnfit(client.answer(serial), "the executable");
            }
            for (Fd anonymous : List.of(event.fd(), self.fd())) {
                client.call(++serial, program("/bin/true").descriptors(5).build(), anonymous);
                assertUnfit(client.answer(serial), "");
            }
            client.call(++serial, program("/bin/true").descriptors(0).build(), pipe.writeEnd());
            assertUnfit(client.answer(serial), "was not opened for reading");
            client.call(
                    ++serial,
                    program("/bin/true").descriptors(0, 1).build(),
                    pipe.readEnd(),
                    pipe.readEnd());
            assertUnfit(client.answer(serial), "was not opened for writing");
            client.call(++serial, program("x").executableByDescriptor().build(), pipe.readEnd());
            assertUnfit(client.answer(serial), "the executable");
            client.call(++serial, program("x").executableByDescriptor().build(), program);
            assertThat(client.answer(serial)).isInstanceOf(Failure.class); // no program at all
            client.call(++serial, program("/bin/true").descriptors(0).build(), pipe.readEnd());
            assertThat(client.answer(serial)).isInstanceOf(ExecveResult.class);
        } finally {
            wrong.values().forEach(Fd::close);
            pair.ours().close();
            event.close();
            self.close();
        }
    }

    private static void assertUnfit(Object reply, String what) {
        assertThat(reply)
                .isInstanceOfSatisfying(
                        Failure.class,
                        failure -> {
                            assertThat(failure.kind()).isEqualTo(Failure.Kind.BAD_DESCRIPTOR);
                            assertThat(failure.message()).contains(what);
                        });
    }

    @Test
    void shouldTakeNoMoreDescriptorsThanTheQuota() throws Exception {
        try (RawClient one = welcomed();
                RawClient other = welcomed();
                Fd file = MemFd.sealed("file", new byte[0])) {
            Fd[] many = Collections.nCopies(200, file).toArray(Fd[]::new);
            Execve.Builder sleeper = sleep().toBuilder();
            one.call(1, sleeper.descriptors(numbers(200)).announceStart(true).build(), many);
            assertThat(one.receive()).isInstanceOf(Announced.class);
            other.call(1, program("/bin/true").descriptors(numbers(200)).build(), many);
            assertThat(other.answer(1))
                    .isInstanceOfSatisfying(
                            Failure.class,
                            failure ->
                                    assertThat(failure.message())
                                            .contains("at", "200 more than the 300"));
            one.send(new Kill(1));
            assertThat(one.answer(1)).isInstanceOf(Failure.class);
            other.call(2, program("/bin/true").descriptors(numbers(200)).build(), many);
            assertThat(other.answer(2)).isInstanceOf(ExecveResult.class);
        }
    }

    // ---- pace --------------------------------------------------------------------------------

    @Test
    void shouldTakeAsManyCallsAsMayBeAndEndAtOneMore() throws Exception {
        try (RawClient client = welcomed();
                RawClient other = welcomed()) {
            for (int serial = 1; serial <= CALLS; serial++) {
                client.call(serial, sleep());
            }
            other.call(1, new Ping());
            assertThat(other.answer(1)).isInstanceOf(Pong.class);
            client.call(CALLS + 1, new Ping());
            assertThat(client.refusal()).contains("while 8 are unanswered, as many as may be");
        }
    }

    /** A look reads many files of the kernel's: whoever asks for many waits. */
    @Test
    void shouldPauseBetweenLooks() throws Exception {
        try (RawClient client = welcomed();
                RawClient other = welcomed()) {
            client.call(1, sleep().toBuilder().announceStart(true).build());
            assertThat(client.receive()).isInstanceOf(Announced.class);
            long since = System.nanoTime();
            for (int serial = 2; serial <= CALLS; serial++) {
                client.send(new Look(serial));
            }
            other.call(1, new Ping());
            assertThat(other.answer(1)).isInstanceOf(Pong.class);
            for (int serial = 2; serial <= CALLS; serial++) {
                assertThat(client.receive())
                        .isInstanceOfSatisfying(
                                Looked.class, looked -> assertThat(looked.standstill()).isEmpty());
            }
            assertThat(Duration.ofNanos(System.nanoTime() - since))
                    .isGreaterThanOrEqualTo(Duration.ofMillis(50).multipliedBy(CALLS - 2));
            client.send(new Kill(1));
            assertThat(client.answer(1)).isInstanceOf(Failure.class);
        }
    }

    @Test
    void shouldCountLooksAmongTheCalls() throws Exception {
        try (RawClient client = welcomed()) {
            client.call(1, sleep());
            for (int serial = 2; serial <= CALLS + 2; serial++) {
                client.send(new Look(serial));
            }
            ServiceFrame last = client.receive();
            while (last instanceof Looked) {
                last = client.receive();
            }
            assertThat(last)
                    .isInstanceOfSatisfying(
                            Refused.class,
                            refused ->
                                    assertThat(refused.failure().describe())
                                            .contains("while 8 are unanswered"));
        }
    }

    @Test
    void shouldReadNoMoreFromWhoDoesNotReadItsAnswers() throws Exception {
        List<SymbolicLink> links = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            links.add(new SymbolicLink("/usr/no/" + i + "x".repeat(200), "x".repeat(500)));
        }
        try (RawClient deaf = welcomed();
                RawClient other = welcomed();
                Fd socket = deaf.socket().readiness()) {
            int serial = 0;
            while (socket.isWritable()) { // until there is no room for answers, nor for calls
                int unread = socket.readable();
                deaf.call(++serial, new Symlink(links));
                assertThat(serial).as("calls that were read").isLessThan(100);
                for (int i = 0; i < 20 && socket.readable() == unread; i++) {
                    Thread.sleep(5); // it must not have more unanswered than it may
                }
            }
            other.call(1, program("/bin/true").build());
            assertThat(other.answer(1)).isInstanceOf(ExecveResult.class);
            for (int answered = 1; answered <= serial; answered++) {
                deaf.answer(answered); // it may change its mind
            }
        }
    }

    @Test
    void shouldOpenNoMoreFilesForWhoDoesNotTakeThem() throws Exception {
        try (RawClient client = welcomed()) {
            List<OpenFile> files = new ArrayList<>();
            for (int i = 0; i < 250; i++) {
                files.add(OpenFile.create("/w/f" + i, 0600));
            }
            client.call(1, new Open(files));
            Packet first = client.packet();
            assertThat(first.descriptors()).hasSize(250);
            first.descriptors().forEach(Fd::close);
            for (int serial = 2; serial <= CALLS; serial++) {
                client.call(serial, new Open(files));
            }
        } // with all answers unread
    }

    // ---- the end -----------------------------------------------------------------------------

    @Test
    void shouldLeaveNothingOfWhoDisconnectsBeforeItHasAContainer() throws Exception {
        for (int i = 0; i < 5; i++) {
            connect().close();
            disconnectAfter(new Call(1, new Ping()));
            disconnectAfter(FrameKryo.hello("standard"));
            disconnectAfter(FrameKryo.hello("standard"), new Call(1, new Ping()));
            disconnectAfter(FrameKryo.hello("standard"), new Call(1, sleep()), new Kill(1));
        }
    }

    private void disconnectAfter(ClientFrame... frames) throws Exception {
        try (RawClient client = connect()) {
            for (ClientFrame frame : frames) {
                client.send(frame);
            }
        } catch (EOFException e) {
            // others have used the quota up for the moment
        }
    }

    @Test
    void shouldLeaveNothingOfWhoDisconnectsDuringACommand() throws Exception {
        List<Request> requests =
                List.of(
                        new Ping(),
                        sleep(),
                        sleep().toBuilder().announceStart(true).build(),
                        Open.of(OpenFile.create("/w/a", 0600), OpenFile.create("/w/b", 0600)),
                        Symlink.of(new SymbolicLink("/w/l", "x")),
                        new Delete("/w/a", true),
                        new Reset());
        for (Request request : requests) {
            try (RawClient client = welcomed()) {
                client.call(1, request);
            }
            try (RawClient client = welcomed()) {
                client.call(1, sleep());
                client.call(2, request);
            }
        }
        try (RawClient client = welcomed();
                Fd file = MemFd.sealed("file", new byte[0])) {
            client.call(
                    1,
                    sleep().toBuilder().descriptors(numbers(100)).build(),
                    Collections.nCopies(100, file).toArray(Fd[]::new));
            client.call(
                    2,
                    sleep().toBuilder().descriptors(numbers(100)).build(),
                    Collections.nCopies(100, file).toArray(Fd[]::new));
        }
    }

    @Test
    void shouldEndTheProgramOfWhoDisconnectsWhenItWasAnnounced() throws Exception {
        for (boolean proceed : new boolean[] {false, true}) {
            PidFd program;
            try (RawClient client = welcomed()) {
                client.call(1, sleep().toBuilder().announceStart(true).build());
                Packet packet = client.packet();
                assertThat(RawClient.read(packet)).isInstanceOf(Announced.class);
                program = new PidFd(packet.descriptors().getFirst());
                if (proceed) {
                    client.send(new Proceed(1));
                }
            }
            assertThat(program.awaitExit(Worker.PATIENCE)).isTrue();
            program.close();
        }
    }

    @Test
    void shouldNotWaitForWhatAClientHasLeftInItsSocket() throws Exception {
        try (LingeringSocket lingering = LingeringSocket.open()) {
            try (RawClient client = connect()) {
                client.send(new byte[] {1}, List.of());
                client.send(new byte[] {2}, List.of(lingering.socket()));
                lingering.leave();
            }
            try (RawClient client = welcomed()) { // of the same user, and the same thread
                client.call(1, new Ping());
                assertThat(client.answer(1)).isInstanceOf(Pong.class);
            }
        }
    }

    @Test
    void shouldRefuseAThousandConnectionsButThoseOfTheQuota() throws Exception {
        List<RawClient> all = new ArrayList<>();
        for (int i = 0; i < CONTAINERS; i++) {
            all.add(welcomed());
        }
        for (int i = 0; i < 1000; i++) {
            all.add(RawClient.connect(path));
        }
        for (RawClient client : all.subList(CONTAINERS, all.size())) {
            assertRefused(client, "user 0 has 4 containers, at most 4 are allowed");
        }
        for (RawClient client : all.subList(0, CONTAINERS)) {
            client.call(1, new Ping());
            assertThat(client.answer(1)).isInstanceOf(Pong.class);
            client.close();
        }
    }

    @Test
    void shouldRefuseMoreMemoryThanTheQuota() throws Exception {
        try (RawClient one = welcomed();
                RawClient other = welcomed()) {
            one.call(1, sleep().toBuilder().announceStart(true).build());
            assertThat(one.receive()).isInstanceOf(Announced.class);
            other.call(1, Execve.of("/bin/true").build()); // as much as the profile allows
            assertThat(other.answer(1))
                    .isInstanceOfSatisfying(
                            Failure.class,
                            failure ->
                                    assertThat(failure.message())
                                            .contains("256MiB more than the 256MiB"));
            other.call(2, Execve.of("/bin/true").limits(memory(ByteSize.ofMiB(257))).build());
            assertThat(other.answer(2))
                    .isInstanceOfSatisfying(
                            Failure.class,
                            failure ->
                                    assertThat(failure.message())
                                            .contains("this profile allows at most 256MiB"));
        }
    }

    // ---- who it is ---------------------------------------------------------------------------

    @Test
    void shouldAdmitWhomTheOperatorNames() throws Exception {
        assertThat(saysTo(ADMITTED_USER, STRANGER)).isInstanceOf(Welcome.class);
        assertThat(saysTo(STRANGER, ADMITTED_GROUP)).isInstanceOf(Welcome.class);
        Thread.sleep(1100); // so many are logged in a second
        Logger log = (Logger) LoggerFactory.getLogger(ContainerService.class);
        ListAppender<ILoggingEvent> logged = new ListAppender<>();
        logged.start();
        log.setLevel(Level.WARN);
        log.addAppender(logged);
        try {
            assertThat(saysTo(STRANGER, STRANGER))
                    .isInstanceOfSatisfying(
                            Refused.class,
                            refused ->
                                    assertThat(refused.failure().message())
                                            .contains("user 61237 is not admitted"));
            assertThat(logged.list)
                    .extracting(ILoggingEvent::getFormattedMessage)
                    .anyMatch(line -> line.startsWith("connection of user 61237 is refused"));
        } finally {
            log.detachAppender(logged);
            log.setLevel(null);
        }
    }

    /** The service's first answer to a program of another user. */
    private ServiceFrame saysTo(int user, int group) {
        String script =
                """
                import socket, sys
                s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                s.connect(sys.argv[1])
                try:
                    s.send(bytes.fromhex(sys.argv[2]))
                except OSError:
                    pass
                print(s.recv(65536).hex())
                """;
        try {
            Process process =
                    new ProcessBuilder(
                                    "setpriv",
                                    "--reuid=" + user,
                                    "--regid=" + group,
                                    "--clear-groups",
                                    "/usr/bin/python3",
                                    "-I",
                                    "-c",
                                    script,
                                    path.toString(),
                                    HexFormat.of()
                                            .formatHex(
                                                    RawClient.bytes(FrameKryo.hello("standard"))))
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            String hex =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII)
                            .trim();
            process.waitFor();
            return RawClient.KRYO.readService(HexFormat.of().parseHex(hex));
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    // ---- others ------------------------------------------------------------------------------

    @Test
    void shouldLetNoClientSeeAnother() throws Exception {
        try (RawClient one = welcomed();
                RawClient other = welcomed()) {
            one.call(
                    1,
                    Open.of(
                            OpenFile.create("/w/secret", 0644),
                            OpenFile.create("/tmp/secret", 0644)));
            assertThat(one.receive()).isInstanceOf(OpenedFiles.class);
            one.call(2, sleep().toBuilder().announceStart(true).build());
            assertThat(one.receive()).isInstanceOf(Announced.class);
            one.send(new Proceed(2));

            other.send(new Kill(2));
            other.send(new Proceed(2));
            assertThat(
                            shell(
                                    other,
                                    1,
                                    "ls -A /w /tmp; cat /proc/[0-9]*/cmdline | tr -c 'a-z\\n' ' '"))
                    .doesNotContain("secret", "sleep")
                    .contains("cat");
            other.call(2, Open.of(OpenFile.read("/w/secret")));
            assertThat(other.receive())
                    .isInstanceOfSatisfying(
                            OpenedFiles.class, opened -> assertThat(opened.paths()).isEmpty());
            assertThat(
                            shell(
                                    other,
                                    3,
                                    "kill -9 -1; for i in $(seq 2 500); do kill -9 $i; done; echo done"))
                    .contains("");

            one.call(3, new Ping());
            assertThat(one.answer(3))
                    .isInstanceOfSatisfying(
                            Pong.class, pong -> assertThat(pong.executingFor()).isPresent());
            one.send(new Kill(2));
            assertThat(one.answer(2)).isInstanceOf(ExecveResult.class);
        }
    }

    private static String shell(RawClient client, int serial, String script) throws IOException {
        try (Fd out = MemFd.writable("out");
                Fd in = MemFd.sealed("in", new byte[0])) {
            client.call(
                    serial,
                    program("/bin/sh", "-c", script).descriptors(0, 1, 2).build(),
                    in,
                    out,
                    out);
            assertThat(client.answer(serial)).isInstanceOf(ExecveResult.class);
            return new String(out.readUpTo(1 << 20), StandardCharsets.UTF_8);
        }
    }

    /** A worker's own pool beside hostile clients. */
    @Test
    void shouldServeAWorkerMeanwhile() throws Exception {
        try (RawClient hostile = connect();
                RawClient sleeping = welcomed()) {
            sleeping.call(1, sleep());
            sleeping.call(2, sleep());
            hostile.send(new byte[] {1, 2, 3}, List.of());
            Leased leased = worker.leased(Worker.await(worker.acquireLater(Optional.empty())));
            leased.write("/w/file", "text");
            assertThat(leased.readText("/w/file")).isEqualTo("text");
            leased.endNow();
        }
    }
}
