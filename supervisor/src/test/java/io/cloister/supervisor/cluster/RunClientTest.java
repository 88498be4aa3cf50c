// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.cluster.RunClient.Accepted;
import io.cloister.supervisor.cluster.RunClient.Answered;
import io.cloister.supervisor.cluster.RunReply.Completed;
import io.cloister.supervisor.cluster.RunReply.NotCompleted;
import io.cloister.supervisor.cluster.RunReply.Reason;
import io.cloister.supervisor.io.FileStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A client whose queues the test plays. */
class RunClientTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final RunKey KEY = new RunKey("tenant", "1");

    private final FileStore store =
            new FileStore(
                    new FileStore.Settings(
                            ByteSize.ofMiB(1), ByteSize.ofMiB(1), 10, Duration.ofHours(1)));
    private ActorTestKit kit;

    /** What the client is told to be the queue; it passes on to whichever there is. */
    private TestProbe<RunQueue.Command> proxy;

    private TestProbe<RunReply> replies;
    private TestProbe<FileServer.Command> files;
    private ActorRef<RunClient.Command> client;

    @BeforeEach
    void start() {
        kit = ActorTestKit.create();
        proxy = kit.createTestProbe(RunQueue.Command.class);
        replies = kit.createTestProbe(RunReply.class);
        files = kit.createTestProbe(FileServer.Command.class);
        client =
                kit.spawn(
                        RunClient.create(
                                proxy.ref(),
                                files.ref(),
                                store,
                                kit.createTestProbe(FileFetch.Command.class).ref(),
                                Duration.ofMillis(100)));
    }

    @AfterEach
    void stop() {
        kit.shutdownTestKit();
        store.close();
    }

    private void submit() {
        submit(proxy);
    }

    /** Who gets it. */
    private void submit(TestProbe<RunQueue.Command> to) {
        client.tell(
                new RunClient.Submit(
                        Run.of(KEY.id(), Program.of("/bin/true").build()),
                        KEY.tenant(),
                        Terms.STANDARD,
                        replies.ref()));
        RunQueue.Command message = to.receiveMessage(LIMIT);
        while (message instanceof RunQueue.Acknowledge) {
            message = to.receiveMessage(LIMIT);
        }
        assertThat(message).isInstanceOf(RunQueue.Submit.class);
    }

    private Answer.Result result() throws Exception {
        ProgramOutcome outcome =
                ProgramOutcome.notRun(
                        Status.FILE_ERROR, Failure.of(Failure.Kind.NOT_FOUND, "for a test"));
        RunResult result = new RunResult(KEY.id(), List.of(outcome), Map.of());
        Parcels parcels = new Parcels(kit.system().settings().config(), store);
        return new Answer.Result(1, "worker", parcels.pack(result), files.ref());
    }

    @Test
    void shouldNotGiveUpForLackOfRoomWhatAnotherQueueHadAccepted() throws Exception {
        TestProbe<RunQueue.Command> first = kit.createTestProbe(RunQueue.Command.class);
        TestProbe<RunQueue.Command> second = kit.createTestProbe(RunQueue.Command.class);
        submit();
        client.tell(new Accepted(KEY, first.ref()));
        first.stop();
        proxy.expectMessageClass(RunQueue.Submit.class, LIMIT);

        client.tell(new Answered(KEY, new Answer.Overloaded("full"), second.ref()));

        proxy.expectMessageClass(RunQueue.Submit.class, LIMIT);
        replies.expectNoMessage(Duration.ZERO);
        client.tell(new Answered(KEY, result(), second.ref()));
        replies.expectMessageClass(Completed.class, LIMIT);
    }

    @Test
    void shouldSayThatThereIsNoRoomAndAnswerOnce() throws Exception {
        TestProbe<RunQueue.Command> queue = kit.createTestProbe(RunQueue.Command.class);
        submit();
        client.tell(new Answered(KEY, new Answer.Overloaded("full"), queue.ref()));
        assertThat(replies.expectMessageClass(NotCompleted.class, LIMIT).reason())
                .isEqualTo(Reason.OVERLOADED);
        submit(queue);
        client.tell(new Answered(KEY, result(), queue.ref()));
        client.tell(new Answered(KEY, result(), queue.ref()));

        replies.expectMessageClass(Completed.class, LIMIT);
        assertThat(queue.expectMessageClass(RunQueue.Acknowledge.class, LIMIT).keys())
                .contains(KEY);
        replies.expectNoMessage(Duration.ofMillis(200));
    }

    @Test
    void shouldAcknowledgeAnAnswerBeforeItSubmitsAnotherRunOfThatName() throws Exception {
        TestProbe<RunQueue.Command> queue = kit.createTestProbe(RunQueue.Command.class);
        ActorRef<RunClient.Command> viaQueue =
                kit.spawn(
                        RunClient.create(
                                queue.ref(),
                                files.ref(),
                                store,
                                kit.createTestProbe(FileFetch.Command.class).ref(),
                                Duration.ofSeconds(30)));
        RunClient.Submit submit =
                new RunClient.Submit(
                        Run.of(KEY.id(), Program.of("/bin/true").build()),
                        KEY.tenant(),
                        Terms.STANDARD,
                        replies.ref());
        viaQueue.tell(submit);
        queue.expectMessageClass(RunQueue.Submit.class, LIMIT);
        viaQueue.tell(new Answered(KEY, result(), queue.ref()));
        viaQueue.tell(submit);

        assertThat(queue.expectMessageClass(RunQueue.Acknowledge.class, LIMIT).keys())
                .containsExactly(KEY);
        queue.expectMessageClass(RunQueue.Submit.class, LIMIT);
    }

    @Test
    void shouldTellTheQueueItselfOnceItIsKnownAndTheProxyWhenItIsGone() throws Exception {
        TestProbe<RunQueue.Command> queue = kit.createTestProbe(RunQueue.Command.class);
        submit();
        client.tell(new Answered(KEY, result(), queue.ref()));
        replies.expectMessageClass(Completed.class, LIMIT);

        submit(queue);
        queue.stop();
        proxy.expectMessageClass(RunQueue.Submit.class, LIMIT);

        TestProbe<RunQueue.Command> next = kit.createTestProbe(RunQueue.Command.class);
        client.tell(new Answered(KEY, result(), next.ref()));
        replies.expectMessageClass(Completed.class, LIMIT);
        submit(next);
    }

    @Test
    void shouldSubmitAgainByTheProxyWhatTheQueueItKnowsDoesNotTake() throws Exception {
        TestProbe<RunQueue.Command> old = kit.createTestProbe(RunQueue.Command.class);
        submit();
        client.tell(new Answered(KEY, result(), old.ref()));

        submit(old);

        proxy.expectMessageClass(RunQueue.Submit.class, LIMIT);
    }
}
