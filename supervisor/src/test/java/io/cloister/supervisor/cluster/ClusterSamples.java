// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.actor.ActorSystem;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.actor.typed.javadsl.Adapter;
import akka.stream.SourceRef;
import akka.stream.StreamRefResolver;
import akka.util.ByteString;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.unit.Bytes;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** At least one value of each class that nodes send each other, with names for messages. */
final class ClusterSamples {
    private static final RunKey KEY = new RunKey("team 7", "submission 1, case 2");
    private static final Ticket TICKET = new Ticket(KEY, 3);
    private static final Content.Stored FILE = new Content.Stored("0123456789abcdef".repeat(4));
    private static final Capabilities LEAST =
            new Capabilities("akka://c@192.0.2.1:2552", 1, 1, 0, "", "none", Set.of(), "");
    private static final Capabilities MOST =
            new Capabilities(
                    "akka://c@192.0.2.2:2552",
                    512,
                    192,
                    1L << 40,
                    "x86_64",
                    "v2",
                    Set.of("java", "cpp"),
                    "0.1.0");

    private final ActorRefResolver actors;
    private final Map<String, Object> all = new LinkedHashMap<>();

    private ClusterSamples(ActorSystem system) {
        actors = ActorRefResolver.get(Adapter.toTyped(system));
        Order inline =
                new Order(
                        KEY,
                        Terms.STANDARD,
                        1,
                        0,
                        new Parcel.Inline(Bytes.ofUtf8("a run")),
                        ref("/user/files#1"));
        Order filed =
                new Order(
                        KEY,
                        new Terms(-100, Duration.ofMillis(1500), Set.of("python3", "c")),
                        2,
                        1,
                        new Parcel.Filed(FILE),
                        ref("/user/files#1"));
        add("submit-inline", new RunQueue.Submit(inline, ref("/user/client#2")));
        add("submit-filed", new RunQueue.Submit(filed, ref("/user/client#2")));
        add("cancel", new RunQueue.Cancel(KEY));
        add("acknowledge", new RunQueue.Acknowledge(List.of(KEY)));
        add("missing", new RunQueue.Missing(TICKET, ref("/user/client#2")));
        add("attached-least", new RunQueue.Attached(ref("/user/worker#3"), LEAST, List.of()));
        add(
                "attached-most",
                new RunQueue.Attached(
                        ref("/user/worker#3"),
                        MOST,
                        List.of(
                                new RunQueue.Held(TICKET, 1),
                                new RunQueue.Held(new Ticket(KEY, 1), 2))));
        add("offer", new RunQueue.Offer(ref("/user/worker#3"), 4));
        Answer.Result result =
                new Answer.Result(
                        3,
                        "akka://c@192.0.2.2:2552",
                        new Parcel.Inline(Bytes.ofUtf8("a result")),
                        ref("/user/files#4"));
        add("finished", new RunQueue.Finished(ref("/user/worker#3"), TICKET, result, false, false));
        add(
                "finished-failed",
                new RunQueue.Finished(
                        ref("/user/worker#3"),
                        TICKET,
                        new Answer.Result(3, "", new Parcel.Filed(FILE), ref("/user/files#4")),
                        true,
                        true));
        add("hand-back", new RunQueue.HandBack(ref("/user/worker#3"), TICKET));
        add("look", new RunQueue.Look(ref("/temp/look$a")));
        add(
                "view",
                new ClusterView(
                        "akka://c@192.0.2.1:2552",
                        1,
                        2,
                        3,
                        1L << 33,
                        5,
                        Optional.of(
                                new ClusterView.Latency(
                                        Duration.ofMillis(2), Duration.ofSeconds(3))),
                        List.of(
                                new ClusterView.WorkerView(
                                        LEAST, ClusterView.Condition.READY, 1, 2, 3),
                                new ClusterView.WorkerView(
                                        MOST, ClusterView.Condition.CLOSED, 0, 0, 0),
                                new ClusterView.WorkerView(
                                        LEAST, ClusterView.Condition.UNREACHABLE, 0, 0, 0)),
                        List.of(new ClusterView.TenantView("team 7", 1, 2))));
        add(
                "view-empty",
                new ClusterView("", 0, 0, 0, 0, 0, Optional.empty(), List.of(), List.of()));
        add("accepted", new RunClient.Accepted(KEY, queue()));
        add("begun", new RunClient.Begun(TICKET, 2, "akka://c@192.0.2.2:2552"));
        add("answered-result", new RunClient.Answered(KEY, result, queue()));
        add("answered-expired", new RunClient.Answered(KEY, new Answer.Expired(), queue()));
        add("answered-cancelled", new RunClient.Answered(KEY, new Answer.Cancelled(), queue()));
        add(
                "answered-quarantined",
                new RunClient.Answered(KEY, new Answer.Quarantined(2), queue()));
        add(
                "answered-overloaded",
                new RunClient.Answered(KEY, new Answer.Overloaded("10 runs wait"), queue()));
        add(
                "answered-refused",
                new RunClient.Answered(KEY, new Answer.Refused("no such tag"), queue()));
        add("attach", new WorkerNode.Attach(queue(), ref("/user/queue/assignments$a#5")));
        add("assignment", new WorkerNode.Assignment(1, inline));
        add("worker-cancel", new WorkerNode.Cancel(TICKET));
        add("noted", new WorkerNode.Noted(TICKET));
        add("settled", new WorkerNode.Settled(TICKET));
        add("suspend", new WorkerNode.Suspend("3 results in a row failed"));
        add("fetch", new FileServer.Fetch(FILE, ref("/user/fetch#6")));
        add("found", new FileServer.Found(FILE, 64 << 20, bytes(system)));
        add("absent", new FileServer.Absent(FILE));
    }

    /** By name. Actors are those of other nodes. */
    static Map<String, Object> of(ActorSystem system) {
        return new ClusterSamples(system).all;
    }

    private void add(String name, Remote message) {
        all.put(name, message);
    }

    private ActorRef<RunQueue.Command> queue() {
        return ref("/user/queue#-7");
    }

    private <T> ActorRef<T> ref(String path) {
        return actors.resolveActorRef("akka://c@192.0.2.1:2552" + path);
    }

    private static SourceRef<ByteString> bytes(ActorSystem system) {
        return StreamRefResolver.get(system)
                .resolveSourceRef(
                        "akka://c@192.0.2.1:2552/system/StreamSupervisor-0/$$a-SourceRef#8");
    }
}
