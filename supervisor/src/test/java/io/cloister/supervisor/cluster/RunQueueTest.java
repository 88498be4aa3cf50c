// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import akka.actor.PoisonPill;
import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.actor.typed.delivery.ConsumerController;
import akka.actor.typed.javadsl.Adapter;
import akka.actor.typed.receptionist.Receptionist;
import io.cloister.protocol.unit.Bytes;
import io.cloister.supervisor.cluster.RunQueue.Acknowledge;
import io.cloister.supervisor.cluster.RunQueue.Attached;
import io.cloister.supervisor.cluster.RunQueue.Cancel;
import io.cloister.supervisor.cluster.RunQueue.Command;
import io.cloister.supervisor.cluster.RunQueue.Finished;
import io.cloister.supervisor.cluster.RunQueue.HandBack;
import io.cloister.supervisor.cluster.RunQueue.Held;
import io.cloister.supervisor.cluster.RunQueue.Missing;
import io.cloister.supervisor.cluster.RunQueue.Offer;
import io.cloister.supervisor.cluster.RunQueue.Submit;
import io.cloister.supervisor.cluster.WorkerNode.Assignment;
import io.cloister.supervisor.observe.Ending;
import io.cloister.supervisor.observe.Level;
import io.cloister.supervisor.observe.Metrics;
import io.cloister.supervisor.observe.MetricsListener;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The queue with workers and clients that the test plays. */
@SuppressWarnings("unchecked") // classes of generic messages
class RunQueueTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final QueueSettings SETTINGS =
            new QueueSettings(4, 64 * 1024, 2, 2, 2, Duration.ofMinutes(1), Duration.ofMillis(300));

    private ActorTestKit kit;
    private TestProbe<RunClient.Command> client;
    private TestProbe<FileServer.Command> files;
    private ActorRef<Command> queue;

    /** A worker, played by the test. */
    private final class Played {
        private final TestProbe<WorkerNode.Command> probe =
                kit.createTestProbe(WorkerNode.Command.class);
        private final TestProbe<ConsumerController.Delivery<Assignment>> deliveries =
                (TestProbe<ConsumerController.Delivery<Assignment>>)
                        (TestProbe<?>) kit.createTestProbe(ConsumerController.Delivery.class);
        private final String node;
        private final int slots;

        Played(String node, int slots, Held... held) {
            this.node = node;
            ActorRef<ConsumerController.Command<Assignment>> consumer =
                    kit.spawn(ConsumerController.<Assignment>create());
            consumer.tell(new ConsumerController.Start<>(deliveries.ref()));
            kit.system()
                    .receptionist()
                    .tell(Receptionist.register(WorkerNode.SERVICE, probe.ref()));
            WorkerNode.Attach attach = probe.expectMessageClass(WorkerNode.Attach.class, LIMIT);
            consumer.tell(
                    new ConsumerController.RegisterToProducerController<>(attach.assignments()));
            this.slots = slots;
            attach(held);
        }

        void attach(Held... held) {
            queue.tell(
                    new Attached(
                            probe.ref(),
                            new Capabilities(node, slots, 1, 0, "x86_64", "v1", Set.of(), "1"),
                            List.of(held)));
        }

        Assignment assigned() {
            ConsumerController.Delivery<Assignment> delivery =
                    deliveries.expectMessageClass(
                            (Class<ConsumerController.Delivery<Assignment>>)
                                    (Class<?>) ConsumerController.Delivery.class,
                            LIMIT);
            delivery.confirmTo().tell(ConsumerController.confirmed());
            return delivery.message();
        }

        Answer.Result finish(Ticket ticket, boolean failed) {
            Answer.Result result =
                    new Answer.Result(ticket.attempt(), node, parcel("result"), files.ref());
            queue.tell(new Finished(probe.ref(), ticket, result, true, failed));
            return result;
        }
    }

    @BeforeEach
    void start() {
        kit = ActorTestKit.create();
        client = kit.createTestProbe(RunClient.Command.class);
        files = kit.createTestProbe(FileServer.Command.class);
        queue = kit.spawn(RunQueue.create(SETTINGS));
    }

    @AfterEach
    void stop() {
        kit.shutdownTestKit();
    }

    private static Parcel parcel(String text) {
        return new Parcel.Inline(Bytes.ofUtf8(text));
    }

    private Order order(String id, int containers, Duration deadline) {
        return new Order(
                new RunKey("tenant", id),
                new Terms(0, deadline, Set.of()),
                containers,
                0,
                parcel("run " + id),
                files.ref());
    }

    private RunKey submit(String id) {
        return submit(order(id, 1, Duration.ofMinutes(1)));
    }

    private RunKey submit(Order order) {
        queue.tell(new Submit(order, client.ref()));
        return order.key();
    }

    /** What the client is told next, but for what was accepted. */
    private <T extends RunClient.Command> T told(Class<T> type) {
        RunClient.Command message = client.receiveMessage(LIMIT);
        while (message instanceof RunClient.Accepted) {
            message = client.receiveMessage(LIMIT);
        }
        return assertInstanceOf(type, message);
    }

    private RunClient.Begun begun() {
        return told(RunClient.Begun.class);
    }

    private Answer answer(RunKey key) {
        RunClient.Answered answered = told(RunClient.Answered.class);
        assertThat(answered.key()).isEqualTo(key);
        return answered.answer();
    }

    @Test
    void shouldAnswerUntilAcknowledgedAndThenSettle() {
        Played worker = new Played("one", 1);
        RunKey key = submit("1");
        Assignment assignment = worker.assigned();
        assertThat(assignment.attempt()).isEqualTo(1);
        assertThat(assignment.order().terms().deadline())
                .isBetween(Duration.ZERO, Duration.ofMinutes(1));

        Answer.Result result = worker.finish(assignment.ticket(), false);

        assertThat(answer(key)).isEqualTo(result);
        assertThat(answer(key)).as("told again").isEqualTo(result);
        queue.tell(new Acknowledge(List.of(key)));
        assertThat(worker.probe.expectMessageClass(WorkerNode.Settled.class, LIMIT).ticket())
                .isEqualTo(assignment.ticket());
        client.expectNoMessage(SETTINGS.resend().multipliedBy(2));
    }

    @Test
    void shouldSettleAtOnceWhatHasNoFiles() {
        Played worker = new Played("one", 1);
        submit("1");
        Ticket ticket = worker.assigned().ticket();
        queue.tell(
                new Finished(
                        worker.probe.ref(),
                        ticket,
                        new Answer.Result(1, "one", parcel("result"), files.ref()),
                        false,
                        false));

        assertThat(worker.probe.expectMessageClass(WorkerNode.Settled.class, LIMIT).ticket())
                .isEqualTo(ticket);
        told(RunClient.Answered.class);
    }

    @Test
    void shouldAssignNoMoreThanThereAreSlots() {
        Played worker = new Played("one", 2);
        submit("1");
        submit("2");
        submit("3");
        Assignment first = worker.assigned();
        assertThat(worker.assigned().order().key().id()).isEqualTo("2");
        worker.deliveries.expectNoMessage(Duration.ofMillis(300));

        worker.finish(first.ticket(), false);

        assertThat(worker.assigned().order().key().id()).isEqualTo("3");
    }

    @Test
    void shouldKeepSlotsFreeForAGroup() {
        Played worker = new Played("one", 2);
        submit("1");
        submit("2");
        Assignment first = worker.assigned();
        Assignment second = worker.assigned();
        submit(order("group", 2, Duration.ofMinutes(1)));
        submit(order("4", 1, Duration.ofMinutes(1)));

        worker.finish(first.ticket(), false);
        worker.deliveries.expectNoMessage(Duration.ofMillis(300));
        worker.finish(second.ticket(), false);

        assertThat(worker.assigned().order().key().id()).isEqualTo("group");
    }

    @Test
    void shouldAssignAgainWhenTheWorkerIsLostAndGiveUpAfterTheSecond() {
        Played first = new Played("one", 1);
        RunKey key = submit("1");
        first.assigned();
        first.probe.stop();
        Played second = new Played("two", 1);
        assertThat(second.assigned().attempt()).isEqualTo(2);
        assertThat(begun().lost()).isEqualTo(1);
        second.probe.stop();

        assertThat(answer(key)).isEqualTo(new Answer.Quarantined(2));
    }

    @Test
    void shouldTryAFailedRunOnAnotherWorkerBeforeItIsAnswered() {
        Played one = new Played("one", 1);
        RunKey key = submit("1");
        Assignment first = one.assigned();
        Played two = new Played("two", 1);
        one.finish(first.ticket(), true);
        Assignment second = two.assigned();
        assertThat(second.attempt()).isEqualTo(2);

        Answer.Result result = two.finish(second.ticket(), true);

        assertThat(answer(key)).as("max-failures").isEqualTo(result);
    }

    @Test
    void shouldSuspendAWorkerWhoseRunsFail() {
        Played worker = new Played("one", 1);
        RunKey key = submit("1");
        worker.finish(worker.assigned().ticket(), true);
        worker.probe.expectMessageClass(WorkerNode.Settled.class, LIMIT);
        Answer.Result last = worker.finish(worker.assigned().ticket(), true);
        worker.probe.expectMessageClass(WorkerNode.Suspend.class, LIMIT);
        assertThat(answer(key)).isEqualTo(last);
        queue.tell(new Acknowledge(List.of(key)));
        submit("2");
        worker.deliveries.expectNoMessage(Duration.ofMillis(300));

        queue.tell(new Offer(worker.probe.ref(), 1));

        assertThat(worker.assigned().order().key().id()).isEqualTo("2");
    }

    @Test
    void shouldGiveAnotherWorkerWhatIsHandedBack() {
        Played one = new Played("one", 1);
        RunKey key = submit("1");
        Assignment first = one.assigned();
        queue.tell(new Offer(one.probe.ref(), 0));
        queue.tell(new HandBack(one.probe.ref(), first.ticket()));
        Played two = new Played("two", 1);

        Assignment second = two.assigned();

        assertThat(second.attempt()).isEqualTo(2);
        Answer.Result result = two.finish(second.ticket(), false);
        assertThat(answer(key)).isEqualTo(result);
    }

    @Test
    void shouldCancelWhatRunsAndWhatWaits() {
        Played worker = new Played("one", 1);
        RunKey running = submit("1");
        Assignment assignment = worker.assigned();
        RunKey waiting = submit("2");

        queue.tell(new Cancel(waiting));
        assertThat(answer(waiting)).isEqualTo(new Answer.Cancelled());
        queue.tell(new Acknowledge(List.of(waiting)));
        queue.tell(new Cancel(running));
        assertThat(answer(running)).isEqualTo(new Answer.Cancelled());
        assertThat(worker.probe.expectMessageClass(WorkerNode.Cancel.class, LIMIT).ticket())
                .isEqualTo(assignment.ticket());
        assertThat(worker.probe.expectMessageClass(WorkerNode.Cancel.class, LIMIT).ticket())
                .as("told again as long as the worker has it")
                .isEqualTo(assignment.ticket());
    }

    @Test
    void shouldAnswerAtTheDeadlineAndCancelTheWork() {
        Played worker = new Played("one", 1);
        RunKey running = submit(order("1", 1, Duration.ofMillis(300)));
        RunKey waiting = submit(order("2", 1, Duration.ofMillis(600)));

        assertThat(answer(running)).isEqualTo(new Answer.Expired());
        queue.tell(new Acknowledge(List.of(running)));
        assertThat(answer(waiting)).isEqualTo(new Answer.Expired());
        worker.probe.expectMessageClass(WorkerNode.Cancel.class, LIMIT);
    }

    @Test
    void shouldRefuseMoreThanItHolds() {
        for (int i = 0; i < SETTINGS.maxRuns(); i++) {
            submit("run" + i);
        }
        Order order = order("more", 1, LIMIT);
        queue.tell(new Submit(order, client.ref()));
        assertThat(answer(order.key()))
                .isInstanceOfSatisfying(
                        Answer.Overloaded.class,
                        overloaded -> assertThat(overloaded.reason()).contains("queue.max-runs"));
    }

    @Test
    void shouldJoinARunThatIsThereAndRefuseAnotherUnderItsName() {
        Played worker = new Played("one", 1);
        RunKey key = submit("1");
        Assignment assignment = worker.assigned();
        submit("1"); // a client that came back
        Answer.Result result = worker.finish(assignment.ticket(), false);
        assertThat(answer(key)).isEqualTo(result);

        Order other = order("1", 1, LIMIT);
        queue.tell(
                new Submit(
                        new Order(other.key(), other.terms(), 1, 0, parcel("other"), files.ref()),
                        client.ref()));
        Answer next = answer(key);
        while (next.equals(result)) { // told again
            next = answer(key);
        }
        assertThat(next).isInstanceOf(Answer.Refused.class);
    }

    @Test
    void shouldAnswerTheClientThatAskedLast() {
        Played worker = new Played("one", 1);
        RunKey key = submit("1");
        Assignment assignment = worker.assigned();
        TestProbe<RunClient.Command> other = kit.createTestProbe(RunClient.Command.class);
        queue.tell(new Submit(order("1", 1, Duration.ofMinutes(1)), other.ref()));
        assertThat(answer(key)).as("the first one").isInstanceOf(Answer.Refused.class);
        assertThat(other.expectMessageClass(RunClient.Accepted.class, LIMIT).key()).isEqualTo(key);

        Answer.Result result = worker.finish(assignment.ticket(), false);

        assertThat(other.expectMessageClass(RunClient.Answered.class, LIMIT).answer())
                .isEqualTo(result);
    }

    @Test
    void shouldLearnFromWorkersWhatAnotherQueueHadAssigned() {
        RunKey key = new RunKey("tenant", "1");
        Ticket ticket = new Ticket(key, 3);
        Played worker = new Played("one", 1, new Held(ticket, 1));
        submit("2"); // waits for the slot
        submit("1");
        worker.deliveries.expectNoMessage(Duration.ofMillis(200));

        Answer.Result result = worker.finish(ticket, false);

        assertThat(answer(key)).isEqualTo(result);
        assertThat(worker.assigned().order().key().id()).isEqualTo("2");
    }

    @Test
    void shouldKeepAResultThatComesBeforeItsClient() {
        Ticket ticket = new Ticket(new RunKey("tenant", "1"), 1);
        Played worker = new Played("one", 1);
        Answer.Result result = worker.finish(ticket, false);
        worker.probe.expectMessageClass(WorkerNode.Noted.class, LIMIT);

        RunKey key = submit("1");

        assertThat(answer(key)).isEqualTo(result);
    }

    @Test
    void shouldCarryOutAgainWhatFilesAreMissingOf() {
        Played worker = new Played("one", 1);
        RunKey key = submit("1");
        Assignment assignment = worker.assigned();
        worker.finish(assignment.ticket(), false);
        answer(key);

        queue.tell(new Missing(assignment.ticket(), client.ref()));

        assertThat(worker.assigned().attempt()).isEqualTo(2);
        assertThat(worker.probe.expectMessageClass(WorkerNode.Settled.class, LIMIT).ticket())
                .as("nor is it told again")
                .isEqualTo(assignment.ticket());
    }

    @Test
    void shouldSettleAgainWhatIsToldAgainAndNotTakeItForALaterRuns() {
        Played worker = new Played("one", 1);
        RunKey key = submit("1");
        Ticket ticket = worker.assigned().ticket();
        worker.finish(ticket, false);
        answer(key);
        queue.tell(new Acknowledge(List.of(key)));
        worker.probe.expectMessageClass(WorkerNode.Settled.class, LIMIT);

        worker.finish(ticket, false); // as if that had been lost

        worker.probe.expectMessageClass(WorkerNode.Settled.class, LIMIT);
        submit("1");
        assertThat(worker.assigned().ticket()).as("carried out anew").isEqualTo(ticket);
    }

    @Test
    void shouldGoOnElsewhereWhenAnAttemptOfAnotherQueuesIsCancelled() {
        Played worker = new Played("one", 1);
        RunKey key = submit("1");
        Assignment assignment = worker.assigned();
        Played slow = new Played("slow", 1, new Held(assignment.ticket(), 1));
        assertThat(slow.probe.expectMessageClass(WorkerNode.Cancel.class, LIMIT).ticket())
                .isEqualTo(assignment.ticket());

        queue.tell(new HandBack(slow.probe.ref(), assignment.ticket()));

        slow.probe.expectMessageClass(WorkerNode.Settled.class, LIMIT);
        Answer.Result result = worker.finish(assignment.ticket(), false);
        assertThat(answer(key)).isEqualTo(result);
    }

    @Test
    void shouldAnswerWhatAWorkerHandsBackForItsDeadline() {
        Played worker = new Played("one", 1);
        RunKey key = submit(order("1", 1, Duration.ofMillis(300)));
        Ticket ticket = worker.assigned().ticket();
        assertThat(answer(key)).isEqualTo(new Answer.Expired());

        queue.tell(new HandBack(worker.probe.ref(), ticket));

        while (!(worker.probe.receiveMessage(LIMIT) instanceof WorkerNode.Settled)) {}
        worker.deliveries.expectNoMessage(Duration.ofMillis(300));
    }

    @Test
    void shouldCallOnAWorkerThatIsSilent() {
        kit.stop(queue);
        queue =
                kit.spawn(
                        RunQueue.create(
                                new QueueSettings(
                                        4,
                                        64 * 1024,
                                        2,
                                        2,
                                        2,
                                        Duration.ofMinutes(1),
                                        Duration.ofMillis(10))));
        Played worker = new Played("one", 1);

        for (int i = 0; i < 5; i++) { // the first may have crossed its answer
            assertThat(worker.probe.expectMessageClass(WorkerNode.Attach.class, LIMIT).queue())
                    .isEqualTo(queue);
        }
    }

    private static final Outbox.Patience FOR_EVER =
            new Outbox.Patience(Duration.ofDays(1), Duration.ofDays(1));

    /** Two slots are busy, others wait, and two answers come at once: the second is held back. */
    private List<RunKey> answersAtOnce(Outbox.Patience patience) {
        kit.stop(queue);
        queue =
                kit.spawn(
                        RunQueue.create(
                                new QueueSettings(
                                        20, 64 * 1024, 2, 2, 2, LIMIT, Duration.ofMinutes(1)),
                                patience));
        Played worker = new Played("node", 2);
        for (int i = 0; i < 10; i++) {
            submit("run " + i);
        }
        List<Ticket> begun = List.of(worker.assigned().ticket(), worker.assigned().ticket());
        begun.forEach(ticket -> worker.finish(ticket, false));
        return begun.stream().map(Ticket::key).toList();
    }

    @Test
    void shouldTellEveryAnswerThoughNoOtherFollows() {
        List<RunKey> keys =
                answersAtOnce(new Outbox.Patience(Duration.ofDays(1), Duration.ofMillis(5)));

        assertThat(List.of(told(RunClient.Answered.class), told(RunClient.Answered.class)))
                .extracting(RunClient.Answered::key)
                .isEqualTo(keys);
    }

    @Test
    void shouldTellEveryAnswerBeforeItEnds() {
        List<RunKey> keys = answersAtOnce(FOR_EVER);
        Adapter.toClassic(queue).tell(PoisonPill.getInstance(), akka.actor.ActorRef.noSender());

        assertThat(List.of(told(RunClient.Answered.class), told(RunClient.Answered.class)))
                .extracting(RunClient.Answered::key)
                .isEqualTo(keys);
    }

    @Test
    void shouldTellOnceAnAnswerThatWasHeldBackFromAClientThatAsksAgain() {
        RunKey second = answersAtOnce(FOR_EVER).get(1);
        submit(second.id());

        assertThat(told(RunClient.Answered.class).key()).isNotEqualTo(second);
        assertThat(told(RunClient.Answered.class).key()).isEqualTo(second);
        kit.stop(queue); // which tells whatever it holds back
        RunKey end = new RunKey("tenant", "the end");
        client.ref().tell(new RunClient.Answered(end, new Answer.Expired(), queue));
        assertThat(told(RunClient.Answered.class).key()).isEqualTo(end);
    }

    @Test
    void shouldTellWhatThereIs() {
        Played worker = new Played("one", 1);
        submit("1");
        worker.assigned();
        submit("2");
        TestProbe<ClusterView> watcher = kit.createTestProbe(ClusterView.class);

        queue.tell(new RunQueue.Look(watcher.ref()));

        ClusterView view = watcher.receiveMessage(LIMIT);
        assertThat(view.waiting()).isEqualTo(1);
        assertThat(view.running()).isEqualTo(1);
        assertThat(view.tenants()).containsExactly(new ClusterView.TenantView("tenant", 1, 1));
        assertThat(view.workers())
                .singleElement()
                .satisfies(seen -> {
                    assertThat(seen.used()).isEqualTo(1);
                    assertThat(seen.condition()).isEqualTo(ClusterView.Condition.READY);
                });
    }

    @Test
    void shouldMeasureWhatItHasAndWhatBecomesOfIt() {
        Metrics metrics = Metrics.get(kit.system());
        List<String> told = new CopyOnWriteArrayList<>();
        metrics.listen(
                new MetricsListener() {
                    @Override
                    public void assigned(Duration waited) {
                        told.add("assigned");
                    }

                    @Override
                    public void answered(Ending ending) {
                        told.add(ending.name());
                    }

                    @Override
                    public void attemptLost() {
                        told.add("lost");
                    }
                });
        RunKey key = submit("1");
        client.awaitAssert(
                LIMIT,
                () -> {
                    assertThat(metrics.read(Level.QUEUE_WAITING)).isEqualTo(1);
                    return null;
                });
        Played lost = new Played("one", 1);
        lost.assigned();
        lost.probe.stop();
        Played worker = new Played("two", 1);
        Ticket ticket = worker.assigned().ticket();
        begun();
        client.awaitAssert(
                LIMIT,
                () -> {
                    assertThat(metrics.read(Level.QUEUE_WAITING)).isZero();
                    assertThat(metrics.read(Level.QUEUE_RUNNING)).isEqualTo(1);
                    return null;
                });
        worker.finish(ticket, false);
        answer(key);
        client.awaitAssert(
                LIMIT,
                () -> {
                    assertThat(metrics.read(Level.QUEUE_RUNNING)).isZero();
                    assertThat(metrics.read(Level.QUEUE_UNFETCHED)).isEqualTo(1);
                    return null;
                });
        assertThat(told).containsExactly("assigned", "lost", "assigned", "RESULT");

        TestProbe<ClusterView> view = kit.createTestProbe(ClusterView.class);
        queue.tell(new RunQueue.Look(view.ref()));
        assertThat(view.receiveMessage(LIMIT).latency()).isPresent();

        kit.stop(queue);
        assertThat(metrics.read(Level.QUEUE_UNFETCHED)).isZero();
    }
}
