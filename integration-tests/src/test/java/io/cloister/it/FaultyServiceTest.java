// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.fd.PidFd;
import io.cloister.protocol.container.SymbolicLink;
import io.cloister.protocol.message.ContainerState;
import io.cloister.protocol.message.Delete;
import io.cloister.protocol.message.Deleted;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Linked;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.message.Pong;
import io.cloister.protocol.message.Reply;
import io.cloister.protocol.message.ResetDone;
import io.cloister.protocol.message.Standstill;
import io.cloister.protocol.message.Symlink;
import io.cloister.protocol.service.ClientFrame;
import io.cloister.protocol.service.FrameKryo;
import io.cloister.protocol.service.ServiceFrame;
import io.cloister.protocol.service.ServiceFrame.Announced;
import io.cloister.protocol.service.ServiceFrame.Answer;
import io.cloister.protocol.service.ServiceFrame.Looked;
import io.cloister.protocol.service.ServiceFrame.OpenedFiles;
import io.cloister.protocol.service.ServiceFrame.Refused;
import io.cloister.protocol.service.ServiceFrame.Welcome;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.container.OpenFailed;
import io.cloister.supervisor.container.Opened;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.pool.ContainerSupervisor.AcquireReply;
import io.cloister.supervisor.pool.ContainerSupervisor.NotAcquired;
import io.cloister.supervisor.socket.Connected;
import io.cloister.supervisor.socket.SocketSettings;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A worker whose service breaks the rules: whoever waits for an answer gets one, what came is
 * closed, and the worker goes on with the next container.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(120)
@SuppressWarnings("NullAway.Init") // set before all tests
class FaultyServiceTest {
    private static final String POOL =
            "cloister.containers { max = 1, warm = 0, min-backoff = 10ms, max-backoff = 100ms }\n";

    /** What a call of each kind is, given where the answer goes. */
    private interface Kind {
        Container.Command to(ActorRef<Object> replyTo);
    }

    /** What answers a call, or ought to. */
    private interface Lie {
        void tell(FaultyService.Client client, int serial) throws IOException;
    }

    @TempDir private static Path directory;

    private Path path;
    private Worker worker;
    private Worker hasty;
    private Fd file;
    private Fd self;
    private HostState before;

    @BeforeAll
    void startWorkers() throws Exception {
        path = directory.resolve("service");
        worker = Worker.startWith(path, POOL);
        hasty =
                Worker.startWith(
                        path,
                        POOL
                                + "cloister.socket.timeout = 1s\n"
                                + "cloister.containers.acquire-timeout = 1s");
        file = MemFd.sealed("file", new byte[0]);
        self = PidFd.open((int) ProcessHandle.current().pid()).fd();
        LingeringSocket.open().close(); // the JVM keeps a socket for closing others
        shouldServe();
        before = HostState.now();
    }

    @AfterAll
    void stopWorkers() {
        worker.close();
        hasty.close();
        file.close();
        self.close();
    }

    @AfterEach
    void shouldHaveNothingLeft() throws Exception {
        shouldServe();
        before.assertUnchanged();
    }

    /** A service without faults is used as if nothing had been. */
    private void shouldServe() throws Exception {
        for (Worker each : List.of(worker, hasty)) {
            try (FaultyService service =
                    FaultyService.start(path, FaultyServiceTest::answerPings)) {
                Leased leased = each.acquire();
                assertThat(leased.ping()).isInstanceOf(Pong.class);
                leased.endNow();
            }
        }
    }

    private static void answerPings(FaultyService.Client client) throws IOException {
        client.welcome();
        while (true) {
            client.send(new Answer(client.call(), pong()));
        }
    }

    private static Pong pong() {
        return new Pong(ContainerState.IDLE, Optional.empty());
    }

    private static Failure busy() {
        return Failure.of(Failure.Kind.BUSY, "no more today");
    }

    // ---- greetings ---------------------------------------------------------------------------

    @Test
    void shouldSayWhyThereIsNoContainer() throws Exception {
        try (FaultyService service =
                FaultyService.start(
                        path,
                        client -> {
                            client.receive();
                            client.send(new Refused(busy()), file);
                        })) {
            AcquireReply reply = Worker.await(hasty.acquireLater(Optional.empty()));

            assertThat(reply)
                    .isInstanceOfSatisfying(
                            NotAcquired.class,
                            refused ->
                                    assertThat(refused.failure().describe())
                                            .contains("no more today", path.toString()));
        }
    }

    @Test
    void shouldRefuseEveryFirstAnswerThatIsNone() throws Exception {
        assertNoContainer("start the service");
        assertNoContainer(client -> {}, "closed");
        assertNoContainer(FaultyService.Client::receive, "closed");
        assertNoContainer(FaultyService.Client::hold, "did not answer in time");
        assertFirstAnswer(new byte[] {1, 2, 3}, "cannot be read");
        assertFirstAnswer(RawClient.bytes(FrameKryo.hello("standard")), "cannot be read");
        assertFirstAnswer(new byte[193 * 1024], "longer than 196608 bytes");
        assertFirstAnswer(RawClient.bytes(new Answer(1, pong())), "none to a greeting");
        assertFirstAnswer(RawClient.bytes(FaultyService.welcome()), "descriptors");
        for (int version : new int[] {0, 255}) {
            Welcome good = FaultyService.welcome();
            Welcome welcome =
                    new Welcome(
                            version,
                            good.init(),
                            good.configured(),
                            good.workDirectory(),
                            good.calls());
            assertNoContainer(
                    client -> {
                        client.receive();
                        client.send(welcome);
                    },
                    "version " + version);
        }
    }

    private void assertFirstAnswer(byte[] answer, String why) throws Exception {
        assertNoContainer(
                client -> {
                    client.receive();
                    client.send(answer, file);
                },
                why);
    }

    private void assertNoContainer(FaultyService.Script script, String why) throws Exception {
        try (FaultyService service = FaultyService.start(path, script)) {
            assertNoContainer(why);
        }
    }

    private void assertNoContainer(String why) {
        SocketSettings settings = new SocketSettings(path, "standard", Duration.ofMillis(500));
        assertThatThrownBy(() -> Connected.open(settings).socket().close())
                .isInstanceOf(IOException.class)
                .hasMessageContaining(why);
    }

    @Test
    void shouldNoticeThatAnIdleContainerIsGone() throws Exception {
        try (FaultyService service = FaultyService.start(path, FaultyService.Client::welcome)) {
            worker.acquire().awaitEnd();
        }
    }

    @Test
    void shouldWaitForAServiceThatIsAway() throws Exception {
        CompletionStage<AcquireReply> waits = worker.acquireLater(Optional.empty());
        try (FaultyService service = FaultyService.start(path, FaultyService.Client::receive)) {
            Waiting.until(() -> assertThat(service.served()).isGreaterThan(2));
        }
        try (FaultyService service = FaultyService.start(path, FaultyServiceTest::answerPings)) {
            Leased leased = worker.leased(Worker.await(waits));
            assertThat(leased.ping()).isInstanceOf(Pong.class);
            leased.endNow();
        }
    }

    @Test
    void shouldNotHurryBackToAServiceThatHangsUpOnWhomItWelcomes() throws Exception {
        try (FaultyService service =
                FaultyService.start(
                        path,
                        client -> {
                            client.receive();
                            client.send(FaultyService.welcome());
                        })) {
            long since = System.nanoTime();
            AcquireReply reply = Worker.await(hasty.acquireLater(Optional.empty()));
            Duration took = Duration.ofNanos(System.nanoTime() - since);

            assertThat(reply).isInstanceOf(NotAcquired.class);
            assertThat((long) service.served()) // after 10, 20, 40 and 80 ms, and then every 100
                    .isBetween(2L, 6 + took.toMillis() / 100);
        }
    }

    // ---- calls -------------------------------------------------------------------------------

    /** Serial of the first call after that which asks for a sign of life. */
    private static final int FIRST = 2;

    private static final Kind PING = replyTo -> new Container.Ping(replyTo.narrow());
    private static final Kind OPEN = open("/w/a", "/w/b");
    private static final Kind SYMLINK =
            replyTo ->
                    new Container.MakeSymlinks(
                            Symlink.of(new SymbolicLink("/w/a", "b")), replyTo.narrow());
    private static final Kind DELETE =
            replyTo -> new Container.DeletePath(new Delete("/w/a", false), replyTo.narrow());
    private static final Kind RESET = replyTo -> new Container.Reset(replyTo.narrow());

    private static Kind open(String... paths) {
        List<OpenFile> files = new ArrayList<>();
        for (String each : paths) {
            files.add(OpenFile.read(each));
        }
        return replyTo -> new Container.OpenFiles(new Open(files), replyTo.narrow());
    }

    private Container.Command execute(ActorRef<Object> replyTo) {
        return execute(Optional.empty(), replyTo);
    }

    private Container.Command execute(
            Optional<ActorRef<Container.Started>> started, ActorRef<Object> replyTo) {
        try {
            return new Container.Execute(
                    Execve.of("/bin/true")
                            .announceStart(started.isPresent())
                            .descriptors(0)
                            .build(),
                    ExecveDescriptors.of(Map.of(0, file.duplicate())),
                    started,
                    replyTo.narrow());
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private Map<String, Kind> kinds() {
        Map<String, Kind> kinds = new LinkedHashMap<>();
        kinds.put("ping", PING);
        kinds.put("open", OPEN);
        kinds.put("symlink", SYMLINK);
        kinds.put("delete", DELETE);
        kinds.put("reset", RESET);
        kinds.put("execute", this::execute);
        return kinds;
    }

    /** One call is lied to, and another is not answered: both fail once, and the actor ends. */
    private void assertLost(Worker of, Kind kind, Lie lie, Failure.Kind as, String why)
            throws Exception {
        TestProbe<Object> probe = of.probe(Object.class);
        try (FaultyService service =
                FaultyService.start(
                        path,
                        client -> {
                            client.welcome();
                            int serial = client.call();
                            client.call(); // nobody answers for a container that has ended
                            lie.tell(client, serial);
                        })) {
            Leased leased = of.acquire();
            leased.tell(kind.to(probe.getRef()));
            leased.tell(kind.to(probe.getRef()));
            for (Object reply : probe.receiveSeveralMessages(2, Worker.PATIENCE)) {
                Failure failure =
                        reply instanceof OpenFailed(Failure failed) ? failed : (Failure) reply;
                assertThat(failure.kind()).as("%s", failure.describe()).isEqualTo(as);
                assertThat(failure.describe()).contains(why);
            }
            probe.expectTerminated(leased.container(), Worker.PATIENCE);
            probe.expectNoMessage(Duration.ZERO);
        } finally {
            probe.stop();
        }
    }

    private void assertLost(Kind kind, Lie lie, String why) throws Exception {
        assertLost(worker, kind, lie, Failure.Kind.CONTAINER_LOST, why);
    }

    /** The service stays, so that it is the worker that hangs up. */
    private void assertNotMeant(Kind kind, ServiceFrame frame, Fd... descriptors) throws Exception {
        Lie lie =
                (client, serial) -> {
                    client.send(frame, descriptors);
                    client.hold();
                };
        assertLost(kind, lie, "what it cannot have meant: " + frame.getClass().getSimpleName());
    }

    @Test
    void shouldLoseTheContainerWhenTheServiceHangsUp() throws Exception {
        for (Kind kind : kinds().values()) {
            assertLost(kind, (client, serial) -> {}, "lost");
        }
    }

    @Test
    void shouldTellWhyTheServiceHangsUp() throws Exception {
        for (Kind kind : kinds().values()) {
            Lie refused =
                    (client, serial) -> {
                        client.send(new Refused(busy()), file);
                    };
            assertLost(worker, kind, refused, Failure.Kind.BUSY, "no more today");
        }
        Lie stays =
                (client, serial) -> {
                    client.send(new Refused(busy()));
                    client.send(new Refused(Failure.of(Failure.Kind.INTERNAL, "again")));
                    try {
                        client.hold();
                    } catch (EOFException e) {
                        client.linger();
                    }
                };
        assertLost(hasty, PING, stays, Failure.Kind.BUSY, "no more today");
    }

    @Test
    void shouldLoseAContainerThatDoesNotAnswer() throws Exception {
        Lie silence = (client, serial) -> client.hold();
        assertLost(hasty, PING, silence, Failure.Kind.CONTAINER_LOST, "did not answer in time");
        assertLost(hasty, OPEN, silence, Failure.Kind.CONTAINER_LOST, "did not answer in time");
    }

    /** What is answered beside a call says nothing of the call. */
    @Test
    void shouldLoseAContainerThatAnswersLooksAndNothingElse() throws Exception {
        TestProbe<Object> probe = hasty.probe(Object.class);
        TestProbe<Container.Looked> looked = hasty.probe(Container.Looked.class);
        try (FaultyService service =
                FaultyService.start(
                        path,
                        client -> {
                            client.welcome();
                            while (true) {
                                if (client.receive() instanceof ClientFrame.Look(int serial)) {
                                    client.send(new Looked(serial, Optional.empty()));
                                }
                            }
                        })) {
            Leased leased = hasty.acquire();
            CompletionStage<?> ping = leased.pingLater();
            Waiting.until(() -> {
                leased.tell(new Container.Look(looked.getRef()));
                assertThat(ping.toCompletableFuture()).isDone();
            });
            assertThat(Worker.await(ping).toString()).contains("did not answer in time");
            probe.expectTerminated(leased.container(), Worker.PATIENCE);
        } finally {
            probe.stop();
            looked.stop();
        }
    }

    @Test
    void shouldNotTakeAnythingElseForALook() throws Exception {
        for (ServiceFrame frame : List.of(new Answer(FIRST, pong()), new Answer(FIRST, busy()))) {
            assertNoLook(frame);
        }
        assertNoLook(new Looked(FIRST, Optional.of(new Standstill(true, 1))), file);
        assertNoLook(new OpenedFiles(FIRST, List.of("/w/a"), Map.of()), file);
    }

    private void assertNoLook(ServiceFrame frame, Fd... descriptors) throws Exception {
        try (FaultyService service =
                FaultyService.start(
                        path,
                        client -> {
                            client.welcome();
                            client.receive();
                            client.send(frame, descriptors);
                            client.hold();
                        })) {
            Leased leased = worker.acquire();
            assertThat(leased.look()).isEmpty();
            leased.awaitEnd();
        }
    }

    @Test
    void shouldCloseWhatCameForAnOpenThatFails() throws Exception {
        String[] paths = IntStream.range(0, 300).mapToObj(i -> "/w/" + i).toArray(String[]::new);
        Lie half =
                (client, serial) ->
                        client.send(
                                new OpenedFiles(serial, List.of(paths).subList(0, 250), Map.of()),
                                Collections.nCopies(250, file).toArray(Fd[]::new));
        assertLost(open(paths), half, "lost");
    }

    @Test
    void shouldLoseAContainerWhoseStartWasAnnounced() throws Exception {
        TestProbe<Container.Started> started = worker.probe(Container.Started.class);
        Kind announced = replyTo -> execute(Optional.of(started.getRef()), replyTo);
        Lie once = (client, serial) -> client.send(new Announced(serial, 1), self);
        Lie twice =
                (client, serial) -> {
                    client.send(new Announced(serial, 1), self);
                    client.send(new Announced(serial, 1), self);
                    client.hold();
                };

        assertLost(announced, once, "lost");
        started.receiveMessage(Worker.PATIENCE).pidfd().close();
        assertLost(announced, twice, "cannot have meant: Announced");
        started.receiveMessage(Worker.PATIENCE).pidfd().close();
        assertNotMeant(announced, new Announced(FIRST, 1));
        assertNotMeant(announced, new Announced(FIRST, 1), self, self);
        started.expectNoMessage(Duration.ZERO);
        started.stop();
    }

    @Test
    void shouldNotTakeTheAnswerToAnotherQuestion() throws Exception {
        Map<String, Reply> answers = new LinkedHashMap<>();
        answers.put("ping", pong());
        answers.put("symlink", new Linked(Map.of()));
        answers.put("delete", new Deleted());
        answers.put("reset", new ResetDone(0));
        for (Map.Entry<String, Kind> kind : kinds().entrySet()) {
            for (Map.Entry<String, Reply> answer : answers.entrySet()) {
                if (answer.getKey().equals(kind.getKey())) {
                    assertNotMeant(kind.getValue(), new Answer(FIRST, answer.getValue()), file);
                } else {
                    assertNotMeant(kind.getValue(), new Answer(FIRST, answer.getValue()));
                }
            }
            assertNotMeant(kind.getValue(), new Answer(FIRST, busy()), file);
            assertNotMeant(kind.getValue(), new Announced(FIRST, 1), self);
            assertNotMeant(kind.getValue(), new Looked(FIRST, Optional.empty()));
            assertNotMeant(kind.getValue(), FaultyService.welcome(), file);
            assertNotMeant(
                    kind.getValue(), new OpenedFiles(FIRST, List.of("/w/a"), Map.of()), file);
        }
    }

    @Test
    void shouldTakeOnlyTheFilesThatWereAskedFor() throws Exception {
        Failure no = busy();
        assertOpened(List.of(), Map.of());
        assertOpened(List.of("/w/a", "/w/a"), Map.of());
        assertOpened(List.of("/w/a", "/w/c"), Map.of());
        assertOpened(List.of("/w/a", "/w/b", "/w/c"), Map.of());
        assertOpened(List.of("/w/a", "/w/b", "/w/b"), Map.of());
        assertOpened(List.of("/w/a"), Map.of("/w/a", no));
        assertOpened(List.of("/w/a"), Map.of("/w/c", no));
        assertOpened(List.of("/w/a", "/w/b"), Map.of("/w/b", no));
        assertNotMeant(OPEN, new OpenedFiles(FIRST, List.of("/w/a", "/w/b"), Map.of()));
        assertNotMeant(OPEN, new OpenedFiles(FIRST, List.of("/w/a", "/w/b"), Map.of()), file);
        assertNotMeant(
                OPEN, new OpenedFiles(FIRST, List.of("/w/a", "/w/b"), Map.of()), file, file, file);
        assertNotMeant(SYMLINK, new Answer(FIRST, new Linked(Map.of("/w/c", no))));
    }

    private void assertOpened(List<String> paths, Map<String, Failure> errors) throws Exception {
        Fd[] files = Collections.nCopies(paths.size(), file).toArray(Fd[]::new);
        assertNotMeant(OPEN, new OpenedFiles(FIRST, paths, errors), files);
    }

    @Test
    void shouldLoseTheContainerAtWhatIsNoFrame() throws Exception {
        List<byte[]> garbage =
                List.of(
                        new byte[] {0},
                        new byte[] {1, 2, 3},
                        new byte[193 * 1024],
                        RawClient.bytes(FrameKryo.hello("standard")));
        for (byte[] packet : garbage) {
            Lie lie =
                    (client, serial) -> {
                        client.send(packet, file, file);
                        client.hold();
                    };
            assertLost(PING, lie, "cannot be read");
        }
    }

    // ---- kills -------------------------------------------------------------------------------

    @Test
    void shouldNotSendAProgramThatIsKilledWhileItWaits() throws Exception {
        Welcome usual = FaultyService.welcome();
        Welcome oneAtATime =
                new Welcome(
                        usual.version(),
                        usual.init(),
                        usual.configured(),
                        usual.workDirectory(),
                        1);
        try (FaultyService service =
                FaultyService.start(
                        path,
                        client -> {
                            client.welcome(oneAtATime);
                            client.call();
                            client.hold();
                        })) {
            TestProbe<Object> probe = worker.probe(Object.class);
            Leased leased = worker.acquire();
            CompletionStage<?> ping = leased.pingLater();
            leased.tell(execute(probe.getRef()));
            leased.tell(new Container.Kill());

            assertThat(probe.receiveMessage(Worker.PATIENCE))
                    .isInstanceOfSatisfying(
                            Failure.class,
                            failure -> assertThat(failure.kind()).isEqualTo(Failure.Kind.REFUSED));
            assertThat(ping.toCompletableFuture()).isNotDone();
            leased.endNow();
            probe.stop();
        }
    }

    // ---- late answers ------------------------------------------------------------------------

    @Test
    void shouldCloseWhatComesForNobody() throws Exception {
        try (FaultyService service =
                FaultyService.start(
                        path,
                        client -> {
                            client.welcome();
                            int serial = client.call();
                            client.send(new Answer(serial, pong()));
                            for (int of : new int[] {serial, 1000}) {
                                client.send(new Answer(of, pong()), file);
                                client.send(new Announced(of, 1), self);
                                client.send(
                                        new OpenedFiles(of, List.of("/w/a"), Map.of()), file, file);
                            }
                            serial = client.call();
                            client.send(new OpenedFiles(serial, List.of("/w/a"), Map.of()), file);
                            client.hold();
                        })) {
            Leased leased = worker.acquire();
            assertThat(leased.ping()).isInstanceOf(Pong.class);
            try (Opened opened = leased.open(OpenFile.read("/w/a"))) {
                assertThat(opened.files()).containsOnlyKeys("/w/a");
            }
            leased.endNow();
        }
    }
}
