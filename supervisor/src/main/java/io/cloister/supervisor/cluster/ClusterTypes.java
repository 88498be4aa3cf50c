// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.actor.ActorPath;
import akka.actor.ActorPaths;
import akka.actor.ActorSystem;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.actor.typed.delivery.ProducerController;
import akka.actor.typed.javadsl.Adapter;
import akka.stream.SourceRef;
import akka.stream.StreamRefResolver;
import akka.util.ByteString;
import io.cloister.protocol.check.Check;
import io.cloister.protocol.kryo.ProtocolKryo;
import io.cloister.protocol.kryo.WireInput;
import io.cloister.protocol.kryo.WireOutput;
import io.cloister.protocol.kryo.WireType;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.Run;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * The one list of classes that the nodes of a cluster send each other, with their ids and fields in
 * order; what they hold of the protocol's values is in that one's list.
 *
 * <p>The rules are those of {@link ProtocolKryo}, and so is the version. Messages have 200 to 249,
 * their parts 250 to 299. Actors are the text of their paths.
 */
final class ClusterTypes {
    /** Longest reference to an actor or a stream, in bytes. */
    static final int MAX_REF_BYTES = 2048;

    private static final int MAX_PATHS = 256;

    private final ActorRefResolver actors;
    private final StreamRefResolver streams;

    /** Texts that are paths: the same few come in each message, and take long to parse. */
    private final Set<String> paths = ConcurrentHashMap.newKeySet();

    ClusterTypes(ActorSystem system) {
        actors = ActorRefResolver.get(Adapter.toTyped(system));
        streams = StreamRefResolver.get(system);
    }

    /** The messages with their parts, and what of the protocol is in them. */
    List<WireType<?>> withProtocol() {
        return Stream.concat(all().stream(), ProtocolKryo.types().stream()).toList();
    }

    List<WireType<?>> all() {
        List<WireType<?>> types = new ArrayList<>();
        types.addAll(toQueue());
        types.addAll(toClients());
        types.addAll(toWorkers());
        types.addAll(ofFiles());
        types.addAll(parts());
        return List.copyOf(types);
    }

    private List<WireType<?>> toQueue() {
        return List.of(
                new WireType<>(
                        200,
                        RunQueue.Submit.class,
                        (out, submit) -> actor(out.value(submit.order()), submit.client()),
                        in -> new RunQueue.Submit(in.value(Order.class), actor(in))),
                new WireType<>(
                        201,
                        RunQueue.Cancel.class,
                        (out, cancel) -> out.value(cancel.key()),
                        in -> new RunQueue.Cancel(in.value(RunKey.class))),
                new WireType<>(
                        202,
                        RunQueue.Acknowledge.class,
                        (out, acknowledge) -> out.list(acknowledge.keys(), WireOutput::value),
                        in ->
                                new RunQueue.Acknowledge(
                                        in.list(
                                                RunQueue.Acknowledge.MAX_KEYS,
                                                i -> i.value(RunKey.class)))),
                new WireType<>(
                        203,
                        RunQueue.Missing.class,
                        (out, missing) -> actor(out.value(missing.ticket()), missing.client()),
                        in -> new RunQueue.Missing(in.value(Ticket.class), actor(in))),
                new WireType<>(
                        204,
                        RunQueue.Attached.class,
                        (out, attached) ->
                                actor(out, attached.worker())
                                        .value(attached.capabilities())
                                        .list(attached.held(), WireOutput::value),
                        in ->
                                new RunQueue.Attached(
                                        actor(in),
                                        in.value(Capabilities.class),
                                        in.list(
                                                RunQueue.Attached.MAX_HELD,
                                                i -> i.value(RunQueue.Held.class)))),
                new WireType<>(
                        205,
                        RunQueue.Offer.class,
                        (out, offer) -> actor(out, offer.worker()).count(offer.slots()),
                        in -> new RunQueue.Offer(actor(in), in.count())),
                new WireType<>(
                        206,
                        RunQueue.Finished.class,
                        (out, finished) ->
                                actor(out, finished.worker())
                                        .value(finished.ticket())
                                        .value(finished.result())
                                        .flag(finished.holdsFiles())
                                        .flag(finished.failed()),
                        in ->
                                new RunQueue.Finished(
                                        actor(in),
                                        in.value(Ticket.class),
                                        in.value(Answer.Result.class),
                                        in.flag(),
                                        in.flag())),
                new WireType<>(
                        207,
                        RunQueue.HandBack.class,
                        (out, back) -> actor(out, back.worker()).value(back.ticket()),
                        in -> new RunQueue.HandBack(actor(in), in.value(Ticket.class))),
                new WireType<>(
                        208,
                        RunQueue.Look.class,
                        (out, look) -> actor(out, look.replyTo()),
                        in -> new RunQueue.Look(actor(in))),
                new WireType<>(
                        209,
                        ClusterView.class,
                        (out, view) ->
                                out.text(view.queueNode())
                                        .count(view.waiting())
                                        .count(view.running())
                                        .count(view.unfetched())
                                        .number(view.answered())
                                        .number(view.lostAttempts())
                                        .optional(view.latency(), WireOutput::value)
                                        .list(view.workers(), WireOutput::value)
                                        .list(view.tenants(), WireOutput::value),
                        in ->
                                new ClusterView(
                                        in.text(Answer.MAX_WORKER_BYTES),
                                        in.count(),
                                        in.count(),
                                        in.count(),
                                        in.number(),
                                        in.number(),
                                        in.optional(i -> i.value(ClusterView.Latency.class)),
                                        in.list(
                                                ClusterView.MAX_WORKERS,
                                                i -> i.value(ClusterView.WorkerView.class)),
                                        in.list(
                                                ClusterView.MAX_TENANTS,
                                                i -> i.value(ClusterView.TenantView.class)))));
    }

    private List<WireType<?>> toClients() {
        return List.of(
                new WireType<>(
                        220,
                        RunClient.Accepted.class,
                        (out, accepted) -> actor(out.value(accepted.key()), accepted.queue()),
                        in -> new RunClient.Accepted(in.value(RunKey.class), actor(in))),
                new WireType<>(
                        221,
                        RunClient.Begun.class,
                        (out, begun) ->
                                out.value(begun.ticket()).count(begun.lost()).text(begun.worker()),
                        in ->
                                new RunClient.Begun(
                                        in.value(Ticket.class),
                                        in.count(),
                                        in.text(Answer.MAX_WORKER_BYTES))),
                new WireType<>(
                        222,
                        RunClient.Answered.class,
                        (out, answered) ->
                                actor(
                                        out.value(answered.key()).object(answered.answer()),
                                        answered.queue()),
                        in ->
                                new RunClient.Answered(
                                        in.value(RunKey.class),
                                        in.object(Answer.class),
                                        actor(in))));
    }

    private List<WireType<?>> toWorkers() {
        return List.of(
                new WireType<>(
                        230,
                        WorkerNode.Attach.class,
                        (out, attach) -> actor(actor(out, attach.queue()), attach.assignments()),
                        in ->
                                new WorkerNode.Attach(
                                        actor(in),
                                        this
                                                .<ProducerController.Command<WorkerNode.Assignment>>
                                                        actor(in))),
                new WireType<>(
                        231,
                        WorkerNode.Assignment.class,
                        (out, assignment) ->
                                out.count(assignment.attempt()).value(assignment.order()),
                        in -> new WorkerNode.Assignment(in.count(), in.value(Order.class))),
                new WireType<>(
                        232,
                        WorkerNode.Cancel.class,
                        (out, cancel) -> out.value(cancel.ticket()),
                        in -> new WorkerNode.Cancel(in.value(Ticket.class))),
                new WireType<>(
                        233,
                        WorkerNode.Noted.class,
                        (out, noted) -> out.value(noted.ticket()),
                        in -> new WorkerNode.Noted(in.value(Ticket.class))),
                new WireType<>(
                        234,
                        WorkerNode.Settled.class,
                        (out, settled) -> out.value(settled.ticket()),
                        in -> new WorkerNode.Settled(in.value(Ticket.class))),
                new WireType<>(
                        235,
                        WorkerNode.Suspend.class,
                        (out, suspend) -> out.text(suspend.reason()),
                        in -> new WorkerNode.Suspend(in.text(Answer.MAX_REASON_BYTES))));
    }

    private List<WireType<?>> ofFiles() {
        return List.of(
                new WireType<>(
                        240,
                        FileServer.Fetch.class,
                        (out, fetch) -> actor(out.value(fetch.file()), fetch.replyTo()),
                        in -> new FileServer.Fetch(file(in), actor(in))),
                new WireType<>(
                        241,
                        FileServer.Found.class,
                        (out, found) ->
                                out.value(found.file())
                                        .number(found.size())
                                        .text(streams.toSerializationFormat(found.bytes())),
                        in -> new FileServer.Found(file(in), in.number(), stream(in))),
                new WireType<>(
                        242,
                        FileServer.Absent.class,
                        (out, absent) -> out.value(absent.file()),
                        in -> new FileServer.Absent(file(in))));
    }

    private List<WireType<?>> parts() {
        return List.of(
                new WireType<>(
                        250,
                        RunKey.class,
                        (out, key) -> out.text(key.tenant()).text(key.id()),
                        in ->
                                new RunKey(
                                        in.text(RunKey.MAX_TENANT_BYTES),
                                        in.text(Run.MAX_ID_BYTES))),
                new WireType<>(
                        251,
                        Ticket.class,
                        (out, ticket) -> out.value(ticket.key()).count(ticket.attempt()),
                        in -> new Ticket(in.value(RunKey.class), in.count())),
                new WireType<>(
                        252,
                        Terms.class,
                        (out, terms) ->
                                out.signed(terms.priority())
                                        .duration(terms.deadline())
                                        .list(terms.tags(), WireOutput::text),
                        in -> new Terms(Math.toIntExact(in.signed()), in.duration(), tags(in))),
                new WireType<>(
                        253,
                        Order.class,
                        (out, order) ->
                                actor(
                                        out.value(order.key())
                                                .value(order.terms())
                                                .count(order.containers())
                                                .count(order.lost())
                                                .object(order.run()),
                                        order.files()),
                        in ->
                                new Order(
                                        in.value(RunKey.class),
                                        in.value(Terms.class),
                                        in.count(),
                                        in.count(),
                                        in.object(Parcel.class),
                                        actor(in))),
                new WireType<>(
                        254,
                        Parcel.Inline.class,
                        (out, inline) -> out.bytes(inline.bytes()),
                        in -> new Parcel.Inline(in.bytes())),
                new WireType<>(
                        255,
                        Parcel.Filed.class,
                        (out, filed) -> out.value(filed.file()),
                        in -> new Parcel.Filed(file(in))),
                new WireType<>(
                        256,
                        Answer.Result.class,
                        (out, result) ->
                                actor(
                                        out.count(result.attempt())
                                                .text(result.worker())
                                                .object(result.result()),
                                        result.files()),
                        in ->
                                new Answer.Result(
                                        in.count(),
                                        in.text(Answer.MAX_WORKER_BYTES),
                                        in.object(Parcel.class),
                                        actor(in))),
                new WireType<>(
                        257, Answer.Expired.class, (out, none) -> {}, in -> new Answer.Expired()),
                new WireType<>(
                        258,
                        Answer.Cancelled.class,
                        (out, none) -> {},
                        in -> new Answer.Cancelled()),
                new WireType<>(
                        259,
                        Answer.Quarantined.class,
                        (out, quarantined) -> out.count(quarantined.lost()),
                        in -> new Answer.Quarantined(in.count())),
                new WireType<>(
                        260,
                        Answer.Overloaded.class,
                        (out, overloaded) -> out.text(overloaded.reason()),
                        in -> new Answer.Overloaded(in.text(Answer.MAX_REASON_BYTES))),
                new WireType<>(
                        261,
                        Answer.Refused.class,
                        (out, refused) -> out.text(refused.reason()),
                        in -> new Answer.Refused(in.text(Answer.MAX_REASON_BYTES))),
                new WireType<>(
                        262,
                        Capabilities.class,
                        (out, worker) ->
                                out.text(worker.node())
                                        .count(worker.slots())
                                        .count(worker.cores())
                                        .number(worker.memoryBytes())
                                        .text(worker.architecture())
                                        .text(worker.cgroups())
                                        .list(worker.tags(), WireOutput::text)
                                        .text(worker.version()),
                        in ->
                                new Capabilities(
                                        in.text(),
                                        in.count(),
                                        in.count(),
                                        in.number(),
                                        in.text(),
                                        in.text(),
                                        tags(in),
                                        in.text())),
                new WireType<>(
                        263,
                        RunQueue.Held.class,
                        (out, held) -> out.value(held.ticket()).count(held.containers()),
                        in -> new RunQueue.Held(in.value(Ticket.class), in.count())),
                new WireType<>(
                        264,
                        ClusterView.WorkerView.class,
                        (out, worker) ->
                                out.value(worker.capabilities())
                                        .coded(worker.condition())
                                        .count(worker.used())
                                        .number(worker.finished())
                                        .number(worker.failed()),
                        in ->
                                new ClusterView.WorkerView(
                                        in.value(Capabilities.class),
                                        in.coded(ClusterView.Condition.class),
                                        in.count(),
                                        in.number(),
                                        in.number())),
                new WireType<>(
                        265,
                        ClusterView.TenantView.class,
                        (out, tenant) ->
                                out.text(tenant.name())
                                        .count(tenant.waiting())
                                        .count(tenant.running()),
                        in ->
                                new ClusterView.TenantView(
                                        in.text(RunKey.MAX_TENANT_BYTES), in.count(), in.count())),
                new WireType<>(
                        266,
                        ClusterView.Latency.class,
                        (out, latency) ->
                                out.duration(latency.median()).duration(latency.percentile99()),
                        in -> new ClusterView.Latency(in.duration(), in.duration())));
    }

    private static Content.Stored file(WireInput in) {
        return in.value(Content.Stored.class);
    }

    private static Set<String> tags(WireInput in) {
        return in.set(Terms.MAX_TAGS, i -> i.text(Terms.MAX_TAG_BYTES));
    }

    private WireOutput actor(WireOutput out, ActorRef<?> ref) {
        return out.text(actors.toSerializationFormat(ref));
    }

    private <T> ActorRef<T> actor(WireInput in) {
        return actors.resolveActorRef(path(in));
    }

    private SourceRef<ByteString> stream(WireInput in) {
        return streams.resolveSourceRef(path(in));
    }

    /** Akka takes text that is no path for an actor that does not exist; here it is damage. */
    private String path(WireInput in) {
        String text = in.text(MAX_REF_BYTES);
        if (!paths.contains(text)) {
            Check.that(
                    isPath(text), "a reference is not the path of an actor: " + Check.quoted(text));
            if (paths.size() >= MAX_PATHS) {
                paths.clear();
            }
            paths.add(text);
        }
        return text;
    }

    private static boolean isPath(String text) {
        try {
            ActorPath path = ActorPaths.fromString(text);
            // Without a host it would be an actor of whoever reads it.
            return path.address().protocol().equals("akka")
                    && path.address().hasGlobalScope()
                    // Akka drops the query of a URI, for example.
                    && path.toSerializationFormat().equals(text);
        } catch (Exception malformed) { // Scala does not declare what it throws
            return false;
        }
    }
}
