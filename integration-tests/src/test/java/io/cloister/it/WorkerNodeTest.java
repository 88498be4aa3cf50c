// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import akka.Done;
import akka.actor.CoordinatedShutdown;
import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.FishingOutcomes;
import akka.actor.testkit.typed.javadsl.LoggingTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.actor.typed.delivery.ProducerController;
import akka.actor.typed.receptionist.Receptionist;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.cloister.nativeio.fd.Fd;
import io.cloister.protocol.kryo.ProtocolKryo;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.CopyOut;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import io.cloister.supervisor.cluster.Answer;
import io.cloister.supervisor.cluster.ClusterSettings;
import io.cloister.supervisor.cluster.FileFetch;
import io.cloister.supervisor.cluster.FileServer;
import io.cloister.supervisor.cluster.Order;
import io.cloister.supervisor.cluster.Parcel;
import io.cloister.supervisor.cluster.RunKey;
import io.cloister.supervisor.cluster.RunQueue;
import io.cloister.supervisor.cluster.Terms;
import io.cloister.supervisor.cluster.Ticket;
import io.cloister.supervisor.cluster.WorkerNode;
import io.cloister.supervisor.cluster.WorkerNode.Assignment;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.observe.Level;
import io.cloister.supervisor.observe.Metrics;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** A worker of the cluster with real containers; the test is its queue, and the client. */
@Tag("beside")
@Timeout(180)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@SuppressWarnings("NullAway.Init") // set before all tests, or before each
class WorkerNodeTest {
    private static final ProtocolKryo KRYO = new ProtocolKryo();
    private static final String SETTINGS =
            """
            cloister.containers { max = 2, warm = 2 }
            cloister.cluster.worker {
              tags = [ shell ], drain-timeout = 20s, resend = 100ms, check-backoff = 200ms
            }
            cloister.cluster.files.timeout = 2s
            cloister.store.max-file-size = 4MiB
            akka.actor.testkit.typed.filter-leeway = 60s
            """;

    private Worker worker;
    private ActorTestKit kit;
    private FileStore clients;
    private ActorRef<FileServer.Command> clientsFiles;
    private ActorRef<FileServer.Command> files;
    private ActorRef<FileFetch.Command> fetch;
    private ActorRef<WorkerNode.Command> node;
    private Queue queue;

    /** A queue, played by the test. */
    private final class Queue {
        private final TestProbe<RunQueue.Command> probe =
                kit.createTestProbe(RunQueue.Command.class);
        private final TestProbe<ProducerController.RequestNext<Assignment>> demand =
                untyped(kit.createTestProbe(ProducerController.RequestNext.class));
        private final ActorRef<ProducerController.Command<Assignment>> assignments =
                kit.spawn(ProducerController.create(Assignment.class, "worker", Optional.empty()));

        Queue() {
            assignments.tell(new ProducerController.Start<>(demand.ref()));
        }

        RunQueue.Attached attach() {
            node.tell(new WorkerNode.Attach(probe.ref(), assignments));
            return next(RunQueue.Attached.class);
        }

        /** The next message of this kind; offers, and what is told again, come in between. */
        <T> T next(Class<T> type) {
            while (true) {
                RunQueue.Command message = probe.receiveMessage(Worker.PATIENCE);
                if (type.isInstance(message)) {
                    return type.cast(message);
                }
            }
        }

        void awaitOffer(int slots) {
            while (next(RunQueue.Offer.class).slots() != slots) {}
        }

        Assignment assign(Order order, int attempt) {
            Assignment assignment = new Assignment(attempt, order);
            ProducerController.RequestNext<?> next = demand.receiveMessage(Worker.PATIENCE);
            WorkerNodeTest.<ActorRef<Assignment>>untyped(next.sendNextTo()).tell(assignment);
            return assignment;
        }

        RunQueue.Finished finished(Ticket ticket) {
            while (true) {
                RunQueue.Finished finished = next(RunQueue.Finished.class);
                if (finished.ticket().equals(ticket)) {
                    return finished;
                }
            }
        }

        /** Carries it out, and settles it. */
        RunResult run(Order order) throws Exception {
            Ticket ticket = assign(order, 1).ticket();
            RunQueue.Finished finished = finished(ticket);
            RunResult result = unpack(finished.result());
            node.tell(new WorkerNode.Settled(ticket));
            return result;
        }
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private static <T> T untyped(Object object) {
        return (T) object;
    }

    @BeforeAll
    void startWorker() {
        worker = Worker.start(SETTINGS);
        kit = worker.kit();
        clients = new FileStore(worker.settings().store());
        clientsFiles = kit.spawn(FileServer.create(clients));
        files = kit.spawn(FileServer.create(worker.store()));
        fetch = kit.spawn(FileFetch.create(worker.store(), settings().filesTimeout()));
    }

    @BeforeEach
    void startNode() {
        node = startNode(worker, settings());
        queue = new Queue();
        awaitListed(Set.of(node));
    }

    @AfterEach
    void stopNode() {
        kit.stop(node);
        awaitListed(Set.of());
        worker.awaitCalm();
        assertThat(Fd.leaks()).isZero();
    }

    @AfterAll
    void stopWorker() {
        worker.close();
        clients.close();
    }

    private static ClusterSettings settings(String... more) {
        Config config =
                ConfigFactory.parseString(String.join("\n", more))
                        .withFallback(ConfigFactory.parseString(SETTINGS))
                        .withFallback(ConfigFactory.load());
        return ClusterSettings.from(config);
    }

    private ActorRef<WorkerNode.Command> startNode(Worker on, ClusterSettings settings) {
        return on.kit().spawn(WorkerNode.create(settings, services(on)));
    }

    private WorkerNode.Services services(Worker on) {
        return new WorkerNode.Services(on.settings(), on.store(), on.runs(), files, fetch);
    }

    private TestProbe<Receptionist.Listing> listings() {
        TestProbe<Receptionist.Listing> listings = kit.createTestProbe(Receptionist.Listing.class);
        kit.system()
                .receptionist()
                .tell(Receptionist.subscribe(WorkerNode.SERVICE, listings.ref()));
        return listings;
    }

    private void awaitListed(Set<ActorRef<WorkerNode.Command>> nodes) {
        TestProbe<Receptionist.Listing> listings = listings();
        while (!listings.receiveMessage(Worker.PATIENCE)
                .getServiceInstances(WorkerNode.SERVICE)
                .equals(nodes)) {}
        listings.stop();
    }

    /** The one that comes next. */
    private static ActorRef<WorkerNode.Command> awaitListed(
            TestProbe<Receptionist.Listing> listings) {
        while (true) {
            Set<ActorRef<WorkerNode.Command>> nodes =
                    listings.receiveMessage(Worker.PATIENCE)
                            .getServiceInstances(WorkerNode.SERVICE);
            if (!nodes.isEmpty()) {
                return nodes.iterator().next();
            }
        }
    }

    private static Program.Builder shell(String script) {
        return Program.of("/bin/sh", "-c", script)
                .collect(ByteSize.ofMiB(1))
                .limits(Limits.builder().wallTime(Duration.ofSeconds(60)).build());
    }

    private Order order(String id, Program.Builder program) throws Exception {
        return order(Run.of(id, program.build()), clientsFiles, Duration.ofMinutes(5));
    }

    private static Order order(Run run, ActorRef<FileServer.Command> from, Duration deadline)
            throws Exception {
        return new Order(
                new RunKey("tenant", run.id()),
                new Terms(0, deadline, Set.of()),
                run.programs().size(),
                0,
                new Parcel.Inline(Bytes.wrap(KRYO.write(run))),
                from);
    }

    private RunResult unpack(Answer.Result answer) throws Exception {
        byte[] bytes =
                switch (answer.result()) {
                    case Parcel.Inline(Bytes inline) -> inline.toArray();
                    case Parcel.Filed(Content.Stored(String id)) -> {
                        try (Fd file = worker.store().open(id).orElseThrow()) {
                            yield file.readUpTo(ProtocolKryo.MAX_BYTES);
                        }
                    }
                };
        return KRYO.read(bytes, RunResult.class);
    }

    private static ProgramOutcome only(RunResult result) {
        assertThat(result.results()).hasSize(1);
        return result.results().getFirst();
    }

    private static String stdout(ProgramOutcome outcome) {
        return outcome.outputs().get(1).content().utf8().orElseThrow();
    }

    private static @Nullable Failure failure(RunResult result) {
        return only(result).failure().orElse(null);
    }

    // ---- runs --------------------------------------------------------------------------------

    @Test
    void shouldCarryOutWhatItIsAssignedAndTellItUntilItIsSettled() throws Exception {
        RunQueue.Attached attached = queue.attach();
        assertThat(attached.worker()).isEqualTo(node);
        assertThat(attached.held()).isEmpty();
        assertThat(attached.capabilities().slots()).isEqualTo(2);
        assertThat(attached.capabilities().cores()).isPositive();
        assertThat(attached.capabilities().memoryBytes()).isGreaterThan(1L << 20);
        assertThat(attached.capabilities().tags()).containsExactly("shell");
        queue.awaitOffer(2);

        Ticket ticket = queue.assign(order("one", shell("echo hello")), 3).ticket();
        assertThat(ticket).isEqualTo(new Ticket(new RunKey("tenant", "one"), 3));
        RunQueue.Finished finished = queue.finished(ticket);
        assertThat(finished.failed()).isFalse();
        assertThat(finished.worker()).isEqualTo(node);
        assertThat(finished.result().attempt()).isEqualTo(3);
        RunResult result = unpack(finished.result());
        assertThat(result.id()).isEqualTo("one");
        assertThat(only(result).status()).isEqualTo(Status.OK);
        assertThat(stdout(only(result))).isEqualTo("hello\n");
        assertThat(queue.finished(ticket)).as("told again").isEqualTo(finished);

        node.tell(new WorkerNode.Settled(ticket));
        Ticket next = queue.assign(order("two", shell("exit 3")), 1).ticket();
        assertThat(only(unpack(queue.finished(next).result())).status())
                .isEqualTo(Status.NONZERO_EXIT);
        for (int i = 0; i < 3; i++) {
            assertThat(queue.next(RunQueue.Finished.class).ticket()).isEqualTo(next);
        }
    }

    @Test
    void shouldFetchTheFilesOfARunAndHoldThoseOfItsResult() throws Exception {
        queue.attach();
        Content.Stored input = clients.put(Bytes.ofUtf8("from the client\n"));
        Content.Stored source = clients.put(Bytes.wrap(new byte[200_000]));
        Run run =
                Run.of(
                        "files",
                        shell("cat; cat source > copy; cat source; echo end").stream(
                                        0, new Stream.Input(input))
                                .copyIn(CopyIn.File.of("source", source))
                                .copyOut(new CopyOut("copy", false, CopyOut.DEFAULT_MAX, true))
                                .build());
        Content.Stored parcel = clients.put(Bytes.wrap(KRYO.write(run)));
        Order order =
                new Order(
                        new RunKey("tenant", "files"),
                        Terms.STANDARD,
                        1,
                        0,
                        new Parcel.Filed(parcel),
                        clientsFiles);
        Ticket ticket = queue.assign(order, 1).ticket();
        RunQueue.Finished finished = queue.finished(ticket);

        assertThat(finished.result().result()).isInstanceOf(Parcel.Filed.class);
        assertThat(finished.result().files()).isEqualTo(files);
        ProgramOutcome outcome = only(unpack(finished.result()));
        assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.OK);
        assertThat(outcome.outputs().get(1).content().length()).isEqualTo(200_000 + 16 + 4);
        assertThat(outcome.files()).containsEntry("copy", source);
        assertThat(worker.store().contains(source.id())).isTrue();
        assertThat(worker.store().contains(input.id())).isTrue();
    }

    @Test
    void shouldSayThatAFileIsMissingAndNotBlameItself() throws Exception {
        queue.attach();
        String nowhere = "0".repeat(64);
        Order order =
                order(
                        "missing",
                        shell(":").stream(0, new Stream.Input(new Content.Stored(nowhere))));
        RunQueue.Finished finished = queue.finished(queue.assign(order, 1).ticket());

        RunResult result = unpack(finished.result());
        assertThat(only(result).status()).isEqualTo(Status.FILE_ERROR);
        assertThat(failure(result).kind()).isEqualTo(Failure.Kind.NOT_FOUND);
        assertThat(failure(result).describe()).contains(nowhere);
        assertThat(finished.failed()).isFalse();
    }

    @Test
    void shouldLetAnotherTryWhenItCannotReachTheClient() throws Exception {
        queue.attach();
        TestProbe<FileServer.Command> silent = kit.createTestProbe(FileServer.Command.class);
        Run run =
                Run.of(
                        "silent",
                        shell(":").stream(0, new Stream.Input(new Content.Stored("0".repeat(64))))
                                .build());
        Order order = order(run, silent.ref(), Duration.ofMinutes(5));
        RunQueue.Finished finished = queue.finished(queue.assign(order, 1).ticket());

        RunResult result = unpack(finished.result());
        assertThat(only(result).status()).isEqualTo(Status.INTERNAL_ERROR);
        assertThat(failure(result).kind()).isEqualTo(Failure.Kind.UNAVAILABLE);
        assertThat(finished.failed()).isTrue();
    }

    @Test
    void shouldRefuseWhatIsNoRun() throws Exception {
        queue.attach();
        Run given = Run.of("given", shell(":").stream(3, new Stream.Given()).build());
        Order two =
                new Order(
                        new RunKey("tenant", "given"),
                        Terms.STANDARD,
                        2,
                        0,
                        new Parcel.Inline(Bytes.wrap(KRYO.write(given))),
                        clientsFiles);
        Order garbage =
                new Order(
                        new RunKey("tenant", "garbage"),
                        Terms.STANDARD,
                        1,
                        0,
                        new Parcel.Inline(Bytes.ofUtf8("garbage")),
                        clientsFiles);
        for (Order order :
                List.of(order(given, clientsFiles, Duration.ofMinutes(1)), two, garbage)) {
            RunQueue.Finished finished = queue.finished(queue.assign(order, 1).ticket());
            node.tell(new WorkerNode.Settled(finished.ticket()));
            RunResult result = unpack(finished.result());
            assertThat(result.results())
                    .hasSize(order.containers())
                    .allMatch(outcome -> outcome.status() == Status.INTERNAL_ERROR)
                    .allMatch(outcome ->
                            outcome.failure().orElseThrow().kind() == Failure.Kind.INVALID_REQUEST);
            assertThat(finished.failed()).isFalse();
        }
    }

    @Test
    void shouldSayThatAResultIsTooLargeToBeSent() throws Exception {
        queue.attach();
        Program.Builder flood =
                shell("head -c 5000000 /dev/zero").stream(1, Stream.collect(ByteSize.ofMiB(8)));
        RunQueue.Finished finished =
                queue.finished(queue.assign(order("flood", flood), 1).ticket());

        RunResult result = unpack(finished.result());
        assertThat(only(result).status()).isEqualTo(Status.INTERNAL_ERROR);
        assertThat(failure(result).kind()).isEqualTo(Failure.Kind.TOO_LARGE);
        assertThat(failure(result).describe()).contains("cloister.store.max-file-size");
        assertThat(finished.failed()).as("another worker could not, either").isFalse();
    }

    @Test
    void shouldCountTheProgramsOfAGroup() throws Exception {
        queue.attach();
        Run group =
                new Run(
                        "group",
                        List.of(
                                shell("sleep 1; echo 7").stream(1, new Stream.Null()).build(),
                                shell("sleep 1; exit 5").build()),
                        List.of(),
                        Optional.empty());
        Order order = order(group, clientsFiles, Duration.ofMinutes(1));
        Ticket ticket = queue.assign(order, 1).ticket();
        Ticket more = queue.assign(order("one too many", shell(":")), 1).ticket();
        assertThat(queue.next(RunQueue.HandBack.class).ticket()).isEqualTo(more);
        node.tell(new WorkerNode.Settled(more));
        assertThat(queue.attach().held()).containsExactly(new RunQueue.Held(ticket, 2));
        RunResult result = unpack(queue.finished(ticket).result());
        assertThat(result.results())
                .extracting(ProgramOutcome::status)
                .containsExactly(Status.OK, Status.NONZERO_EXIT);
    }

    // ---- ends --------------------------------------------------------------------------------

    private void awaitRunning(int programs) {
        Waiting.until(() -> assertThat(worker.status().leased()).isEqualTo(programs));
    }

    @Test
    void shouldCancelAnAttempt() throws Exception {
        queue.attach();
        Ticket ticket = queue.assign(order("long", shell("sleep 60")), 1).ticket();
        awaitRunning(1);
        node.tell(new WorkerNode.Cancel(ticket));
        assertThat(queue.next(RunQueue.HandBack.class).ticket())
                .as("what was cancelled has no result")
                .isEqualTo(ticket);
        awaitRunning(0);
    }

    @Test
    void shouldMeasureItsSlots() throws Exception {
        Metrics metrics = Metrics.get(kit.system());
        queue.attach();
        queue.awaitOffer(2);
        assertThat(metrics.read(Level.SLOTS_USED)).isZero();

        Ticket ticket = queue.assign(order("long", shell("sleep 60")), 1).ticket();
        awaitRunning(1);
        assertThat(metrics.read(Level.SLOTS_OFFERED)).isEqualTo(2);
        assertThat(metrics.read(Level.SLOTS_USED)).isEqualTo(1);

        node.tell(new WorkerNode.Cancel(ticket));
        assertThat(queue.next(RunQueue.HandBack.class).ticket()).isEqualTo(ticket);
        node.tell(new WorkerNode.Settled(ticket));
        Waiting.until(() -> assertThat(metrics.read(Level.SLOTS_USED)).isZero());
        kit.stop(node);
        assertThat(metrics.read(Level.SLOTS_OFFERED)).isZero();
    }

    @Test
    void shouldNotBeginWhatWasCancelledBeforeItCame() throws Exception {
        queue.attach();
        Order order = order("never", shell("sleep 60"));
        Ticket ticket = new Ticket(order.key(), 1);
        node.tell(new WorkerNode.Cancel(ticket));
        assertThat(queue.next(RunQueue.HandBack.class).ticket()).isEqualTo(ticket);
        queue.assign(order, 1);
        assertThat(queue.next(RunQueue.HandBack.class).ticket()).isEqualTo(ticket);
        assertThat(queue.next(RunQueue.HandBack.class).ticket()).as("again").isEqualTo(ticket);
        node.tell(new WorkerNode.Settled(ticket));
        assertThat(only(queue.run(order("other", shell(":")))).status()).isEqualTo(Status.OK);
    }

    @Test
    void shouldEndWhatIsBeyondItsDeadline() throws Exception {
        queue.attach();
        Run run = Run.of("late", shell("sleep 60").build());
        Order order = order(run, clientsFiles, Duration.ofMillis(500));
        Ticket ticket = queue.assign(order, 1).ticket();
        assertThat(queue.next(RunQueue.HandBack.class).ticket()).isEqualTo(ticket);

        Order later =
                order(Run.of("later", shell("sleep 60").build()), clientsFiles, Duration.ZERO);
        Ticket second = queue.assign(later, 1).ticket();
        node.tell(new WorkerNode.Settled(ticket));
        while (!queue.next(RunQueue.HandBack.class).ticket().equals(second)) {}
    }

    @Test
    void shouldLetRunsEndBeforeItLeaves() throws Exception {
        queue.attach();
        Ticket ticket = queue.assign(order("last", shell("read x")), 1).ticket();
        Ticket other = queue.assign(order("long", shell("sleep 2; echo done")), 1).ticket();
        awaitRunning(1);
        TestProbe<WorkerNode.Drained> drained = kit.createTestProbe(WorkerNode.Drained.class);
        node.tell(new WorkerNode.Drain(drained.ref()));
        queue.awaitOffer(0);
        Ticket late = queue.assign(order("too late", shell(":")), 1).ticket();
        assertThat(queue.next(RunQueue.HandBack.class).ticket()).isEqualTo(late);
        node.tell(new WorkerNode.Settled(late));

        assertThat(stdout(only(unpack(queue.finished(other).result())))).isEqualTo("done\n");
        drained.expectNoMessage(Duration.ZERO);
        node.tell(new WorkerNode.Settled(ticket));
        node.tell(new WorkerNode.Settled(other));
        drained.expectMessage(Worker.PATIENCE, new WorkerNode.Drained());
        awaitListed(Set.of());
    }

    @Test
    void shouldHandBackWhatTakesTooLong() throws Exception {
        kit.stop(node);
        awaitListed(Set.of());
        node = startNode(worker, settings("cloister.cluster.worker.drain-timeout = 300ms"));
        awaitListed(Set.of(node));
        queue.attach();
        Ticket ticket = queue.assign(order("long", shell("sleep 60")), 1).ticket();
        awaitRunning(1);
        TestProbe<WorkerNode.Drained> drained = kit.createTestProbe(WorkerNode.Drained.class);
        node.tell(new WorkerNode.Drain(drained.ref()));

        assertThat(queue.next(RunQueue.HandBack.class).ticket()).isEqualTo(ticket);
        drained.expectMessage(Worker.PATIENCE, new WorkerNode.Drained());
        awaitRunning(0);
    }

    @Test
    void shouldLetRunsEndWhenItsSystemIsShutDown() throws Exception {
        ActorRef<WorkerNode.Command> staying = node;
        try (Worker leaving = Worker.start(SETTINGS)) {
            node = startNode(leaving, settings());
            queue.attach();
            queue.awaitOffer(2);
            Ticket ticket = queue.assign(order("last", shell("sleep 1; echo last")), 1).ticket();
            Waiting.until(() -> assertThat(leaving.status().leased()).isEqualTo(1));
            CompletionStage<Done> down =
                    CoordinatedShutdown.get(leaving.kit().system())
                            .runAll(CoordinatedShutdown.unknownReason());
            assertThat(stdout(only(unpack(queue.finished(ticket).result())))).isEqualTo("last\n");
            node.tell(new WorkerNode.Settled(ticket));
            Worker.await(down);
        } finally {
            node = staying;
        }
    }

    @Test
    void shouldBeFollowedByAnotherWhenItFails() {
        kit.stop(node);
        awaitListed(Set.of());
        ActorRef<?> keeper = kit.spawn(WorkerNode.keep(settings(), services(worker)));
        TestProbe<Receptionist.Listing> listings = listings();
        node = awaitListed(listings);
        LoggingTestKit.error("another follows")
                .expect(
                        kit.system(),
                        () -> {
                            node.<Object>unsafeUpcast().tell("a message that it cannot take");
                            return Done.getInstance();
                        });
        ActorRef<WorkerNode.Command> next = awaitListed(listings);
        assertThat(next).isNotEqualTo(node);
        kit.stop(keeper);
        listings.stop();
        node = startNode(worker, settings());
    }

    // ---- queues ------------------------------------------------------------------------------

    @Test
    void shouldTellAnotherQueueWhatItIsAtAndWhatItHasFinished() throws Exception {
        queue.attach();
        Ticket done = queue.assign(order("done", shell("echo done")), 1).ticket();
        RunQueue.Finished finished = queue.finished(done);
        node.tell(new WorkerNode.Noted(done));
        Order order = order("at", shell("sleep 1; echo at"));
        Ticket at = queue.assign(order, 2).ticket();
        awaitRunning(1);

        Queue successor = new Queue();
        RunQueue.Attached attached = successor.attach();
        assertThat(attached.held()).containsExactly(new RunQueue.Held(at, 1));
        assertThat(successor.finished(done)).isEqualTo(finished);
        node.tell(new WorkerNode.Settled(done));
        successor.assign(order, 2); // what it is at anyway
        queue.assign(order("stale", shell(":")), 1); // of a queue that does not know it is gone

        assertThat(stdout(only(unpack(successor.finished(at).result())))).isEqualTo("at\n");
        node.tell(new WorkerNode.Settled(at));
        assertThat(only(successor.run(order("next", shell("echo next")))).status())
                .isEqualTo(Status.OK);
        assertThat(successor.attach().held()).isEmpty();
    }

    @Test
    void shouldKeepResultsWhileThereIsNoQueue() throws Exception {
        queue.attach();
        Ticket ticket = queue.assign(order("orphan", shell("sleep 1; echo kept")), 1).ticket();
        awaitRunning(1);
        queue.probe.stop();
        queue = new Queue();
        Waiting.until(() -> assertThat(queue.attach().held()).isEmpty());
        assertThat(stdout(only(unpack(queue.finished(ticket).result())))).isEqualTo("kept\n");
    }

    @Test
    void shouldOfferFewerSlotsTheMoreResultsWait() throws Exception {
        queue.attach();
        for (int i = 0; i < 8; i++) {
            queue.finished(queue.assign(order("run " + i, shell(":")), 1).ticket());
        }
        queue.awaitOffer(0);
        node.tell(new WorkerNode.Settled(new Ticket(new RunKey("tenant", "run 3"), 1)));
        queue.awaitOffer(1);
    }

    @Test
    void shouldNotStayClosedForClientsThatTakeNothing() throws Exception {
        kit.stop(node);
        awaitListed(Set.of());
        node = startNode(worker, settings("cloister.cluster.worker.resend = 50ms"));
        awaitListed(Set.of(node));
        queue.attach();
        for (int i = 0; i < 8; i++) {
            Ticket ticket = queue.assign(order("untaken " + i, shell(":")), 1).ticket();
            queue.finished(ticket);
            node.tell(new WorkerNode.Noted(ticket));
        }
        queue.awaitOffer(0);
        while (queue.next(RunQueue.Offer.class).slots() == 0) {}
        assertThat(only(queue.run(order("after", shell(":")))).status()).isEqualTo(Status.OK);
    }

    // ---- the sandbox -------------------------------------------------------------------------

    @Test
    void shouldCheckItsSandboxWhenItIsSuspended() throws Exception {
        queue.attach();
        queue.awaitOffer(2);
        Ticket ticket = queue.assign(order("long", shell("sleep 1")), 1).ticket();
        awaitRunning(1);
        node.tell(new WorkerNode.Suspend("a test"));
        queue.awaitOffer(0);
        Ticket early = queue.assign(order("early", shell(":")), 1).ticket();
        assertThat(queue.next(RunQueue.HandBack.class).ticket()).isEqualTo(early);
        queue.finished(ticket);
        node.tell(new WorkerNode.Settled(ticket));
        node.tell(new WorkerNode.Settled(early));
        queue.awaitOffer(2);
        assertThat(only(queue.run(order("after", shell(":")))).status()).isEqualTo(Status.OK);
    }

    @Test
    void shouldOfferSlotsWithoutControlGroups() {
        try (Worker less = Worker.start("cloister.cgroups.mode = NONE\n" + SETTINGS)) {
            TestProbe<RunQueue.Command> probe = less.kit().createTestProbe(RunQueue.Command.class);
            ActorRef<WorkerNode.Command> lesser = startNode(less, settings());
            lesser.tell(new WorkerNode.Attach(probe.ref(), queue.assignments));
            RunQueue.Command message;
            do {
                message = probe.receiveMessage(Worker.PATIENCE);
            } while (!message.equals(new RunQueue.Offer(lesser, 2)));
            lesser.tell(new WorkerNode.Attach(probe.ref(), queue.assignments));
            RunQueue.Attached attached =
                    (RunQueue.Attached)
                            probe.fishForMessage(
                                            Worker.PATIENCE,
                                            each ->
                                                    each instanceof RunQueue.Attached
                                                            ? FishingOutcomes.complete()
                                                            : FishingOutcomes.continueAndIgnore())
                                    .getFirst();
            assertThat(attached.capabilities().cgroups()).isEqualTo("none");
        }
    }

    @Test
    void shouldNotBeFoundWhileItsSandboxDoesNotHold() {
        try (Worker broken =
                Worker.start(
                        SETTINGS,
                        config -> config.toBuilder().withoutMaskPath("/proc/interrupts").build())) {
            TestProbe<Receptionist.Listing> listings =
                    broken.kit().createTestProbe(Receptionist.Listing.class);
            broken.kit()
                    .system()
                    .receptionist()
                    .tell(Receptionist.subscribe(WorkerNode.SERVICE, listings.ref()));
            assertThat(
                            listings.receiveMessage(Worker.PATIENCE)
                                    .getServiceInstances(WorkerNode.SERVICE))
                    .isEmpty();
            LoggingTestKit.error("/proc/interrupts is not hidden")
                    .withOccurrences(2)
                    .expect(broken.kit().system(), () -> startNode(broken, settings()));
            listings.expectNoMessage(Duration.ZERO);
        }
    }
}
