// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.Props;
import akka.actor.typed.javadsl.Behaviors;
import io.cloister.supervisor.cluster.RunClient;
import io.cloister.supervisor.cluster.RunReply;
import io.cloister.supervisor.cluster.RunReply.Completed;
import io.cloister.supervisor.cluster.RunReply.NotCompleted;
import io.cloister.supervisor.cluster.Terms;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.awaitility.Awaitility;

/**
 * {@link Echo} runs, so many at a time that all workers have something to do; it keeps what is
 * answered wrongly or twice. Thread-safe.
 */
final class RunStream {
    /** Of one run; a stream as a whole may take longer. */
    private static final Duration DEADLINE = Duration.ofMinutes(5);

    private final ActorRef<RunClient.Command> client;
    private final String prefix;
    private final String seconds;
    private final int last;
    private final ActorRef<RunReply> replies;
    private final Set<String> answered = new HashSet<>();
    private final List<String> complaints = new ArrayList<>();
    private int submitted;
    private boolean ended;

    /**
     * Begins one.
     *
     * @param seconds that each run takes
     * @param atOnce runs that are under way
     * @param last how many at most
     */
    RunStream(JudgeCluster cluster, String prefix, String seconds, int atOnce, int last) {
        client = cluster.client().client();
        this.prefix = prefix;
        this.seconds = seconds;
        this.last = last;
        replies =
                cluster.system()
                        .systemActorOf(
                                take(), "replies-" + prefix.replace('/', '-'), Props.empty());
        for (int i = 0; i < atOnce; i++) {
            next();
        }
    }

    private Behavior<RunReply> take() {
        return Behaviors.receiveMessage(reply -> {
            taken(reply);
            return Behaviors.same();
        });
    }

    private synchronized void taken(RunReply reply) {
        String id =
                switch (reply) {
                    case Completed completed -> completed.result().id();
                    case NotCompleted not -> not.id();
                };
        String said = Echo.describe(id, reply);
        if (!said.equals("right " + id)) {
            complaints.add(said);
        }
        if (!answered.add(id)) {
            complaints.add("a second answer to " + id + ": " + reply);
        }
        next();
    }

    private synchronized void next() {
        if (!ended && submitted < last) {
            client.tell(
                    new RunClient.Submit(
                            Echo.run(prefix + submitted++, seconds),
                            "tests",
                            new Terms(0, DEADLINE, Set.of()),
                            replies));
        }
    }

    synchronized int answered() {
        return answered.size();
    }

    /** Waits until so many more runs were answered, or all were. */
    void awaitMore(int more) {
        int enough = Math.min(last, answered() + more);
        Awaitility.await().atMost(DEADLINE).until(() -> answered() >= enough);
    }

    /** Submits no more; each run that was submitted is answered, once and rightly. */
    void end() {
        synchronized (this) {
            ended = true;
        }
        awaitAll();
    }

    /** Each run is answered, once and rightly. */
    void awaitAll() {
        Awaitility.await()
                .atMost(DEADLINE)
                .pollInterval(Duration.ofMillis(100))
                .untilAsserted(() -> {
                    synchronized (this) {
                        assertThat(answered).as("answered of those submitted").hasSize(submitted);
                    }
                });
        synchronized (this) {
            assertThat(complaints).isEmpty();
        }
    }
}
