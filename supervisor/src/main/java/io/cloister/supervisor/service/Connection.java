// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.service;

import akka.actor.DeadLetterSuppression;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.TimerScheduler;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.socket.PacketSocket;
import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.message.Delete;
import io.cloister.protocol.message.Executable;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.Ping;
import io.cloister.protocol.message.PingReply;
import io.cloister.protocol.message.Reply;
import io.cloister.protocol.message.Request;
import io.cloister.protocol.message.Reset;
import io.cloister.protocol.message.Symlink;
import io.cloister.protocol.service.ClientFrame;
import io.cloister.protocol.service.ClientFrame.Call;
import io.cloister.protocol.service.ClientFrame.Hello;
import io.cloister.protocol.service.FrameKryo;
import io.cloister.protocol.service.LatestCall;
import io.cloister.protocol.service.ServiceFrame;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.container.OpenFailed;
import io.cloister.supervisor.container.OpenReply;
import io.cloister.supervisor.container.Opened;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.pool.ContainerSupervisor;
import io.cloister.supervisor.pool.ContainerSupervisor.AcquireReply;
import io.cloister.supervisor.pool.ContainerSupervisor.Lease;
import io.cloister.supervisor.socket.FrameActors;
import io.cloister.supervisor.socket.FrameEvent;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client's connection: the router between its frames and the container that it leases. Commands
 * run one after the other, pings beside them. The connection's end, or anything wrong with it,
 * destroys the container; only when that is gone does the socket close and the actor stop.
 *
 * <p>A client that sends more calls than it may have unanswered is not read from until one of them
 * is answered, and one that does not read its answers waits for itself.
 */
final class Connection extends AbstractOnMessageBehavior<Object> {
    private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

    private static final Request NOTHING = new Ping();

    /**
     * Between an answer to a look and the next look, which may take 4 ms: so that clients who do
     * nothing but look take little of the service's time.
     */
    static final Duration LOOK_PAUSE = Duration.ofMillis(50);

    /** What all connections share. */
    record Service(Duration helloTimeout, Map<String, Pool> pools, Refusals refusals) {}

    /** Told about connections that end for what their peers do, to log them. */
    interface Refusals {
        void add(int uid, String reason);
    }

    /** A profile and the containers that there are of it. */
    record Pool(Profile profile, ActorRef<ContainerSupervisor.Command> supervisor) {}

    /** A call that has not been answered. */
    private record Waiting(int serial, Request request, List<Fd> descriptors, long memory) {}

    private record HelloOverdue() {}

    private record LookAgain() {}

    /** Opened files have been sent, or never will be. */
    private record HandedOver() implements DeadLetterSuppression {}

    private enum State {
        GREETING,
        ACQUIRING,
        SERVING,
        ENDING
    }

    private final TimerScheduler<Object> timers;
    private final Service service;
    private final PacketSocket socket;
    private final Peer peer;
    private final FrameActors frames;
    private final ActorRef<AcquireReply> acquired;
    private final ActorRef<PingReply> pong;
    private final ActorRef<OpenReply> opened;
    private final ActorRef<Reply> answered;
    private final ActorRef<Container.Started> started;
    private final ActorRef<Container.Looked> looked;
    private final Queue<Waiting> calls = new ArrayDeque<>();
    private final Queue<Waiting> pings = new ArrayDeque<>();

    /** Serial numbers. */
    private final Queue<Integer> looks = new ArrayDeque<>();

    private State state = State.GREETING;
    private FrameKryo kryo = new FrameKryo();
    private LatestCall reader = new LatestCall(kryo);
    private int version;
    private @Nullable Pool pool;
    private @Nullable Lease lease;
    private int lastSerial;

    /** The latest program, as it was asked for, and as the profile has it. */
    private Request latest = NOTHING;

    private Request latestAdmitted = NOTHING;

    private boolean pinging;
    private boolean looking;
    private boolean handingOver;
    private @Nullable Waiting current;

    private Connection(
            ActorContext<Object> context,
            TimerScheduler<Object> timers,
            Service service,
            PacketSocket socket,
            Peer peer) {
        super(context);
        this.timers = timers;
        this.service = service;
        this.socket = socket;
        this.peer = peer;
        frames = new FrameActors(context, socket, bytes -> reader.readClient(bytes));
        acquired = context.messageAdapter(AcquireReply.class, reply -> reply);
        ActorRef<Object> self = context.getSelf();
        pong = // an actor, for a failure does not tell adapters what it answers
                context.spawn(
                        Behaviors.receiveMessage(reply -> {
                            self.tell(new Ponged(reply));
                            return Behaviors.same();
                        }),
                        "pong",
                        DispatcherSelector.sameAsParent());
        opened = context.messageAdapter(OpenReply.class, reply -> reply);
        answered = context.messageAdapter(Reply.class, Answered::new);
        started = context.messageAdapter(Container.Started.class, announced -> announced);
        looked = context.messageAdapter(Container.Looked.class, seen -> seen);
        timers.startSingleTimer(new HelloOverdue(), service.helloTimeout());
        frames.allow(1);
    }

    private record Ponged(PingReply reply) {}

    private record Answered(Reply reply) {}

    /**
     * The behaviour of a connection, which owns the socket and one container of the peer's quota.
     * To be spawned on the containers' dispatcher.
     */
    static Behavior<Object> create(Service service, PacketSocket socket, Peer peer) {
        return Behaviors.setup(context ->
                Behaviors.withTimers(
                        timers -> new Connection(context, timers, service, socket, peer)));
    }

    @Override
    public Behavior<Object> onMessage(Object message) {
        return switch (message) {
            case FrameEvent.Arrived(ClientFrame frame, List<Fd> descriptors) ->
                    onFrame(frame, descriptors);
            case FrameEvent.WriteClosed(String reason) -> onEnd(reason);
            case FrameEvent.Broken(String reason) -> onEnd(reason);
            case FrameEvent.Unreadable(String reason) ->
                    state == State.ENDING ? this : refuse(reason);
            case FrameEvent.Unsendable(ServiceFrame frame, String reason) ->
                    onUnsendable(frame, reason);
            case HandedOver handed -> onHandedOver();
            case Answered(Reply reply) -> onAnswer(reply);
            case OpenReply reply -> onOpened(reply);
            case Ponged(PingReply reply) -> onPong(reply);
            case Container.Started announced -> onStarted(announced);
            case Container.Looked seen -> onLooked(seen);
            case LookAgain again -> {
                looking = false;
                yield nextLook();
            }
            case AcquireReply reply -> onAcquired(reply);
            case HelloOverdue overdue ->
                    state == State.GREETING ? refuse("no greeting came in time") : this;
            default -> throw new IllegalStateException("unexpected " + message);
        };
    }

    // ---- greeting ----------------------------------------------------------------------------

    private Behavior<Object> onFrame(ClientFrame frame, List<Fd> descriptors) {
        if (state == State.ENDING) {
            socket.discard(descriptors);
            return this;
        }
        int due = frame instanceof Call(int serial, Request request) ? expected(request) : 0;
        if (descriptors.size() != due) {
            socket.discard(descriptors);
            return refuse(
                    "%d descriptors came with a frame of %d".formatted(descriptors.size(), due));
        }
        return switch (frame) {
            case Hello hello when state == State.GREETING -> onHello(hello);
            case Call call when state == State.SERVING -> onCall(call, descriptors);
            case ClientFrame.Look(int serial) when state == State.SERVING -> onLook(serial);
            case ClientFrame.Proceed(int serial) when state == State.SERVING ->
                    sign(serial, new Container.Proceed());
            case ClientFrame.Kill(int serial) when state == State.SERVING -> {
                refuseQueued(serial);
                yield sign(serial, new Container.Kill());
            }
            default -> {
                socket.discard(descriptors);
                yield refuse(
                        "a %s came %s"
                                .formatted(
                                        frame.getClass().getSimpleName(),
                                        state == State.GREETING
                                                ? "before the greeting"
                                                : "after the greeting"));
            }
        };
    }

    private static int expected(Request request) {
        return request instanceof Execve execve
                ? execve.descriptors().size()
                        + (execve.executable() instanceof Executable.OfDescriptor ? 1 : 0)
                : 0;
    }

    private Behavior<Object> onHello(Hello hello) {
        timers.cancelAll();
        OptionalInt version = FrameKryo.negotiate(hello);
        if (version.isEmpty()) {
            return refuse(FrameKryo.noCommonVersion(hello));
        }
        this.version = version.getAsInt();
        kryo = new FrameKryo(this.version);
        reader = new LatestCall(kryo);
        Pool chosen = service.pools().get(hello.profile());
        if (chosen == null) {
            return refuse(
                    Failure.of(
                            Failure.Kind.INVALID_REQUEST,
                            hello.profile(),
                            "there is no such profile: name one of "
                                    + service.pools().keySet().stream().sorted().toList()));
        }
        pool = chosen;
        state = State.ACQUIRING;
        frames.allow(peer.quota().calls() + 1); // the last is for a kill or a leave
        chosen.supervisor()
                .tell(
                        new ContainerSupervisor.Acquire(
                                Optional.of(getContext().getSelf()), acquired));
        return this;
    }

    private Behavior<Object> onAcquired(AcquireReply reply) {
        return switch (reply) {
            case ContainerSupervisor.NotAcquired(Failure failure) -> notAcquired(failure);
            case Lease taken -> {
                lease = taken;
                getContext().watch(taken.container());
                if (state == State.ENDING) {
                    taken.container().tell(new Container.Destroy());
                    yield this;
                }
                state = State.SERVING;
                send(
                        new ServiceFrame.Welcome(
                                version,
                                taken.init(),
                                taken.configured(),
                                taken.workDirectory(),
                                peer.quota().calls()));
                yield this;
            }
        };
    }

    private Behavior<Object> notAcquired(Failure failure) {
        if (state != State.ENDING) {
            state = State.GREETING; // no container will come
            return refuse(failure);
        }
        frames.finish();
        return this;
    }

    // ---- calls -------------------------------------------------------------------------------

    private Behavior<Object> onCall(Call call, List<Fd> descriptors) {
        Optional<String> wrong = number(call.serial());
        if (wrong.isPresent()) {
            socket.discard(descriptors);
            return refuse(wrong.get());
        }
        Optional<Failure> over = peer.takeDescriptors(descriptors.size());
        if (over.isPresent()) {
            socket.discard(descriptors);
            return answer(call.serial(), over.get());
        }
        Waiting waiting = new Waiting(call.serial(), call.request(), descriptors, 0);
        if (call.request() instanceof Ping) {
            pings.add(waiting);
            nextPing();
        } else {
            calls.add(waiting);
            nextCall();
        }
        return this;
    }

    /** Takes note of a call's number, or says what is wrong with it. */
    private Optional<String> number(int serial) {
        if (serial <= lastSerial) {
            return Optional.of(
                    "call %d came after call %d: serial numbers ascend"
                            .formatted(serial, lastSerial));
        }
        lastSerial = serial;
        int unanswered = calls.size() + pings.size() + looks.size() + (current == null ? 0 : 1);
        return unanswered < peer.quota().calls()
                ? Optional.empty()
                : Optional.of(
                        "call %d came while %d are unanswered, as many as may be"
                                .formatted(serial, unanswered));
    }

    private Behavior<Object> onLook(int serial) {
        Optional<String> wrong = number(serial);
        if (wrong.isPresent()) {
            return refuse(wrong.get());
        }
        looks.add(serial);
        return nextLook();
    }

    private Behavior<Object> nextLook() {
        if (!looking && !looks.isEmpty()) {
            looking = true;
            container().tell(new Container.Look(looked));
        }
        return this;
    }

    private Behavior<Object> onLooked(Container.Looked seen) {
        Integer serial = looks.poll();
        if (serial != null && state == State.SERVING) {
            answer(new ServiceFrame.Looked(serial, seen.standstill()));
            timers.startSingleTimer(new LookAgain(), LOOK_PAUSE);
        }
        return this;
    }

    private void nextPing() {
        if (!pinging && !pings.isEmpty()) {
            pinging = true;
            container().tell(new Container.Ping(pong));
        }
    }

    private Behavior<Object> onPong(PingReply reply) {
        pinging = false;
        Waiting ping = pings.poll();
        if (ping != null && state == State.SERVING) {
            answer(ping.serial(), (Reply) reply);
            nextPing();
        }
        return this;
    }

    private void nextCall() {
        while (current == null && !handingOver && state == State.SERVING && !calls.isEmpty()) {
            begin(calls.remove());
        }
    }

    private void begin(Waiting call) {
        Request admitted;
        try {
            admitted = admit(call.request());
        } catch (InvalidRequest e) {
            refuseCall(
                    call, Failure.of(Failure.Kind.INVALID_REQUEST, String.valueOf(e.getMessage())));
            return;
        }
        switch (admitted) {
            case Execve execve -> execute(call, execve);
            case Open open -> go(call, 0, new Container.OpenFiles(open, opened));
            case Symlink symlink ->
                    go(call, 0, new Container.MakeSymlinks(symlink, answered.narrow()));
            case Delete delete -> go(call, 0, new Container.DeletePath(delete, answered.narrow()));
            case Reset nothing -> go(call, 0, new Container.Reset(answered.narrow()));
            default -> throw new IllegalStateException("no command: " + admitted);
        }
    }

    /** Most programs of a judge are run many times. */
    private Request admit(Request request) {
        Policy policy = pool().profile().policy();
        if (!(request instanceof Execve)) {
            return policy.admit(request);
        }
        if (!request.equals(latest)) {
            latestAdmitted = policy.admit(request);
            latest = request;
        }
        return latestAdmitted;
    }

    private void execute(Waiting call, Execve execve) {
        ExecveDescriptors descriptors = ExecveDescriptors.of(execve, call.descriptors());
        Optional<Failure> unfit = ReceivedDescriptors.check(descriptors);
        if (unfit.isPresent()) {
            refuseCall(call, unfit.get());
            return;
        }
        long memory = execve.limits().memory().map(ByteSize::bytes).orElse(0L);
        Optional<Failure> over = peer.takeMemory(memory);
        if (over.isPresent()) {
            refuseCall(call, over.get());
            return;
        }
        go(
                call,
                memory,
                new Container.Execute(
                        execve,
                        descriptors,
                        execve.announceStart() ? Optional.of(started) : Optional.empty(),
                        answered.narrow()));
    }

    private void go(Waiting call, long memory, Container.Command command) {
        current = new Waiting(call.serial(), call.request(), call.descriptors(), memory);
        container().tell(command);
    }

    /** It does not reach the container. */
    private void refuseCall(Waiting call, Failure failure) {
        socket.discard(call.descriptors());
        peer.returnDescriptors(call.descriptors().size());
        answer(call.serial(), failure);
    }

    private Behavior<Object> sign(int serial, Container.Command sign) {
        frames.allow(1);
        if (current != null && current.serial() == serial) {
            container().tell(sign);
        }
        return this;
    }

    /** A program that waits behind other commands will not run. */
    private void refuseQueued(int serial) {
        for (Waiting call : calls) {
            if (call.serial() == serial && call.request() instanceof Execve) {
                calls.remove(call);
                refuseCall(call, Container.killedBeforeItsStart());
                return;
            }
        }
    }

    private Behavior<Object> onStarted(Container.Started announced) {
        Waiting call = current;
        if (call == null || state != State.SERVING) {
            announced.pidfd().close();
            return this;
        }
        send(
                new ServiceFrame.Announced(call.serial(), announced.pid()),
                List.of(announced.pidfd().fd()),
                announced.pidfd()::close);
        return this;
    }

    /** What the call held is the peer's again. */
    private Optional<Waiting> finish() {
        Waiting call = current;
        current = null;
        if (call != null) {
            peer.returnDescriptors(call.descriptors().size());
            peer.returnMemory(call.memory());
        }
        return Optional.ofNullable(call).filter(served -> state == State.SERVING);
    }

    private Behavior<Object> onAnswer(Reply reply) {
        finish().ifPresent(call -> answer(call.serial(), reply));
        nextCall();
        return this;
    }

    private Behavior<Object> onOpened(OpenReply reply) {
        Optional<Waiting> call = finish();
        switch (reply) {
            case OpenFailed(Failure failure) ->
                    call.ifPresent(served -> answer(served.serial(), failure));
            case Opened files when call.isEmpty() -> files.close();
            case Opened files -> {
                handingOver = true;
                ActorRef<Object> self = getContext().getSelf();
                send(
                        new ServiceFrame.OpenedFiles(
                                call.get().serial(),
                                List.copyOf(files.files().keySet()),
                                files.errors()),
                        List.copyOf(files.files().values()),
                        () -> {
                            files.close();
                            self.tell(new HandedOver());
                        });
            }
        }
        nextCall();
        return this;
    }

    /** Files that the client does not take are not opened further. */
    private Behavior<Object> onHandedOver() {
        handingOver = false;
        frames.allow(1);
        nextCall();
        return this;
    }

    private Behavior<Object> answer(int serial, Reply reply) {
        return answer(new ServiceFrame.Answer(serial, reply));
    }

    /** Another frame may come when this one has gone, not before: so few are kept. */
    private Behavior<Object> answer(ServiceFrame frame) {
        send(frame, List.of(), () -> frames.allow(1));
        return this;
    }

    private void send(ServiceFrame frame) {
        frames.send(kryo::write, frame);
    }

    private void send(ServiceFrame frame, List<Fd> descriptors, Runnable sent) {
        frames.send(kryo::write, frame, descriptors, sent);
    }

    /** An answer that is too long for a frame; whoever asked for less would get one. */
    private Behavior<Object> onUnsendable(ServiceFrame frame, String reason) {
        OptionalInt serial =
                switch (frame) {
                    case ServiceFrame.Answer answer -> OptionalInt.of(answer.serial());
                    case ServiceFrame.OpenedFiles opened -> OptionalInt.of(opened.serial());
                    default -> OptionalInt.empty();
                };
        if (serial.isEmpty()) {
            return refuse(reason);
        }
        send(
                new ServiceFrame.Answer(
                        serial.getAsInt(), Failure.of(Failure.Kind.TOO_LARGE, reason)));
        return this;
    }

    private ActorRef<Container.Command> container() {
        if (lease == null) {
            throw new IllegalStateException("no container");
        }
        return lease.container();
    }

    private Pool pool() {
        if (pool == null) {
            throw new IllegalStateException("no profile");
        }
        return pool;
    }

    // ---- the end -----------------------------------------------------------------------------

    private Behavior<Object> refuse(String reason) {
        return refuse(Failure.of(Failure.Kind.INVALID_REQUEST, reason));
    }

    private Behavior<Object> refuse(Failure failure) {
        return refuse(new ServiceFrame.Refused(failure));
    }

    private Behavior<Object> refuse(ServiceFrame.Refused refused) {
        service.refusals().add(peer.uid(), refused.failure().describe());
        send(refused);
        return end();
    }

    private Behavior<Object> onEnd(String reason) {
        LOG.debug("connection of user {} has ended: {}", peer.uid(), reason);
        return end();
    }

    private Behavior<Object> end() {
        if (state == State.ENDING) {
            return this;
        }
        State before = state;
        state = State.ENDING;
        timers.cancelAll();
        calls.forEach(this::drop);
        calls.clear();
        if (lease != null) {
            container().tell(new Container.Destroy());
        } else if (before != State.ACQUIRING) { // else a container may come yet
            frames.finish();
        }
        return this;
    }

    private void drop(Waiting call) {
        socket.discard(call.descriptors());
        peer.returnDescriptors(call.descriptors().size());
    }

    @Override
    public Behavior<Object> onSignal(Signal signal) {
        if (signal instanceof Terminated terminated) {
            if (!frames.onTerminated(terminated.getRef())) {
                onContainerGone();
            }
            return frames.haveEnded() ? Behaviors.stopped() : this;
        }
        if (signal instanceof PostStop) {
            finish();
            calls.forEach(this::drop);
            frames.close();
            peer.returnContainer();
        }
        return this;
    }

    private void onContainerGone() {
        if (state != State.ENDING) {
            send(
                    new ServiceFrame.Refused(
                            Failure.of(Failure.Kind.CONTAINER_LOST, "the container has ended")));
            end();
        }
        frames.finish();
    }
}
