// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.socket;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.TimerScheduler;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.PidFd;
import io.cloister.protocol.container.SymbolicLink;
import io.cloister.protocol.message.ConfReply;
import io.cloister.protocol.message.DeleteReply;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Linked;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.message.Ping;
import io.cloister.protocol.message.PingReply;
import io.cloister.protocol.message.Reply;
import io.cloister.protocol.message.Request;
import io.cloister.protocol.message.Reset;
import io.cloister.protocol.message.ResetReply;
import io.cloister.protocol.message.Standstill;
import io.cloister.protocol.message.Symlink;
import io.cloister.protocol.message.SymlinkReply;
import io.cloister.protocol.service.ClientFrame;
import io.cloister.protocol.service.ClientFrame.Call;
import io.cloister.protocol.service.Frame;
import io.cloister.protocol.service.FrameKryo;
import io.cloister.protocol.service.LatestCall;
import io.cloister.protocol.service.ServiceFrame;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.container.OpenFailed;
import io.cloister.supervisor.container.OpenReply;
import io.cloister.supervisor.container.Opened;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.observe.LogIds;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A container of the local service's, as an actor that takes the same messages as {@link
 * Container}: each command is a call over the container's own connection, each answer comes back by
 * its serial number.
 *
 * <p>Whatever casts doubt on the connection (its end, a missed deadline, a frame that cannot be)
 * ends it, and the service then destroys the container: every request is answered with a failure,
 * and the actor stops.
 */
public final class RemoteContainer extends AbstractOnMessageBehavior<Object> {
    private static final Logger LOG = LoggerFactory.getLogger(RemoteContainer.class);

    /** Of the paths in one frame: the rest of it has room beside them. */
    private static final int PATH_BYTES = Frame.MAX_BYTES / 4 * 3;

    /** Descriptors that come back in one frame. */
    private static final int FILES = 250;

    /**
     * How the other end is spoken to.
     *
     * @param timeout within which it must answer, beside the time that a program may take
     * @param grace that it gives init for the end of a program
     * @param queue how many commands may wait
     */
    public record Settings(Duration timeout, Duration grace, int queue) {}

    /** A command, or a part of one, that the service has not answered. */
    private interface Pending {
        /** How long the answer may take when no other is before it. */
        Duration allowance();

        /**
         * Takes the answer, and its descriptors.
         *
         * @return false when it is none to this command
         */
        boolean answer(ServiceFrame frame, List<Fd> descriptors);

        void fail(Failure failure);
    }

    /** A call for which there is no room among those that may be unanswered. */
    private record Unsent(
            IntFunction<ClientFrame> frame, List<Fd> descriptors, Runnable sent, Pending waits) {}

    private record Overdue() {}

    private final TimerScheduler<Object> timers;
    private final Connected connected;
    private final Settings settings;
    private final FrameSender.Encoder encoder;
    private final FrameActors frames;
    private final Queue<Unsent> unsent = new ArrayDeque<>();
    private final Map<Integer, Pending> pending = new LinkedHashMap<>();
    private int serial;
    private long since;
    private boolean timed;
    private boolean configured;
    private @Nullable Failure closing;

    private RemoteContainer(
            ActorContext<Object> context,
            TimerScheduler<Object> timers,
            Connected connected,
            Settings settings) {
        super(context);
        this.timers = timers;
        this.connected = connected;
        this.settings = settings;
        FrameKryo kryo = new FrameKryo(connected.welcome().version());
        encoder = new LatestCall(kryo)::write;
        frames = new FrameActors(context, connected.socket(), kryo::readService);
        frames.allow(Integer.MAX_VALUE);
    }

    /**
     * The behaviour of the container at the other end of a connection, which it owns. To be spawned
     * on the containers' dispatcher.
     */
    public static Behavior<Container.Command> create(Connected connected, Settings settings) {
        return Behaviors.<Object>setup(context ->
                        Behaviors.withTimers(timers ->
                                new RemoteContainer(context, timers, connected, settings)))
                .narrow();
    }

    @Override
    public Behavior<Object> onMessage(Object message) {
        switch (message) {
            case FrameEvent.Arrived(ServiceFrame frame, List<Fd> descriptors) -> {
                if (!onFrame(frame, descriptors)) {
                    return lose("the service has sent what it cannot have meant: " + name(frame));
                }
            }
            case FrameEvent.Unreadable(String reason) -> {
                return lose("the service has sent what cannot be read: " + reason);
            }
            case FrameEvent.WriteClosed closed -> {} // its end is still to come
            case FrameEvent.Broken(String reason) -> {
                return lose(
                        "the connection to the service at %s is lost: %s"
                                .formatted(connected.path(), reason));
            }
            case FrameEvent.Unsendable(Call call, String reason) ->
                    fail(call.serial(), Failure.of(Failure.Kind.TOO_LARGE, reason));
            case Overdue overdue -> {
                return onOverdue();
            }
            case Container.Command command -> {
                if (closing != null) {
                    refuse(command, closing);
                } else if (!(command instanceof Container.Destroy)) {
                    onCommand(command);
                } else {
                    close(Failure.of(Failure.Kind.CONTAINER_LOST, "the container was destroyed"));
                }
            }
            default -> throw new IllegalStateException("unexpected " + message);
        }
        return this;
    }

    // ---- commands ----------------------------------------------------------------------------

    private void onCommand(Container.Command command) {
        if (pending.size() + unsent.size() > settings.queue() && !isSign(command)) {
            refuse(
                    command,
                    Failure.of(
                            Failure.Kind.BUSY,
                            "%d commands wait already: try again later"
                                    .formatted(pending.size() + unsent.size())));
            return;
        }
        switch (command) {
            case Container.Ping(ActorRef<PingReply> replyTo) ->
                    call(new Ping(), expect(PingReply.class, replyTo));
            case Container.Configure(var request, ActorRef<ConfReply> replyTo) -> {
                if (configured) {
                    replyTo.tell(
                            Failure.of(
                                    Failure.Kind.ALREADY_CONFIGURED,
                                    "the container is configured already: create another"));
                } else {
                    configured = true;
                    call(new Ping(), new Configuring(replyTo));
                }
            }
            case Container.OpenFiles(Open request, ActorRef<OpenReply> replyTo) ->
                    open(request, replyTo);
            case Container.MakeSymlinks(Symlink request, ActorRef<SymlinkReply> replyTo) ->
                    symlink(request, replyTo);
            case Container.DeletePath(var request, ActorRef<DeleteReply> replyTo) ->
                    call(request, expect(DeleteReply.class, replyTo));
            case Container.Reset(ActorRef<ResetReply> replyTo) ->
                    call(new Reset(), expect(ResetReply.class, replyTo));
            case Container.Execute execute -> execute(execute);
            case Container.Look(ActorRef<Container.Looked> replyTo) -> look(replyTo);
            case Container.Proceed proceed -> sign(ClientFrame.Proceed::new);
            case Container.Kill kill -> {
                if (!sign(ClientFrame.Kill::new)) {
                    refuseUnsent();
                }
            }
            default -> {} // what only a container of this process is told
        }
    }

    private static boolean isSign(Container.Command command) {
        return command instanceof Container.Kill || command instanceof Container.Proceed;
    }

    private static void refuse(Container.Command command, Failure failure) {
        switch (command) {
            case Container.Ping ping -> ping.replyTo().tell(failure);
            case Container.Configure configure -> configure.replyTo().tell(failure);
            case Container.OpenFiles open -> open.replyTo().tell(new OpenFailed(failure));
            case Container.MakeSymlinks symlinks -> symlinks.replyTo().tell(failure);
            case Container.DeletePath delete -> delete.replyTo().tell(failure);
            case Container.Reset reset -> reset.replyTo().tell(failure);
            case Container.Look look -> look.replyTo().tell(Container.Looked.NOTHING);
            case Container.Execute execute -> {
                execute.descriptors().close();
                execute.replyTo().tell(failure);
            }
            default -> {} // nobody waits for an answer
        }
    }

    private void call(Request request, Pending waits) {
        call(request, List.of(), () -> {}, waits);
    }

    private void call(Request request, List<Fd> descriptors, Runnable sent, Pending waits) {
        unsent.add(new Unsent(of -> new Call(of, request), descriptors, sent, waits));
        sendNext();
    }

    private void sendNext() {
        while (pending.size() < connected.welcome().calls() && !unsent.isEmpty()) {
            Unsent next = unsent.remove();
            serial = Math.incrementExact(serial);
            if (pending.isEmpty()) {
                since = System.nanoTime();
            }
            pending.put(serial, next.waits());
            frames.send(encoder, next.frame().apply(serial), next.descriptors(), next.sent());
            if (!timed) {
                timed = true;
                timers.startSingleTimer(new Overdue(), settings.timeout());
            }
        }
    }

    private <R> Pending expect(Class<R> type, ActorRef<? super R> replyTo) {
        return new Simple<>(type, replyTo, settings.timeout());
    }

    /** The service has configured it: whether there is a container behind its words is asked. */
    private final class Configuring implements Pending {
        private final ActorRef<ConfReply> replyTo;

        Configuring(ActorRef<ConfReply> replyTo) {
            this.replyTo = replyTo;
        }

        @Override
        public Duration allowance() {
            return settings.timeout();
        }

        @Override
        public boolean answer(ServiceFrame frame, List<Fd> descriptors) {
            if (!(frame instanceof ServiceFrame.Answer(int serial, PingReply reply))
                    || !descriptors.isEmpty()) {
                return false;
            }
            replyTo.tell(
                    reply instanceof Failure failure ? failure : connected.welcome().configured());
            return true;
        }

        @Override
        public void fail(Failure failure) {
            replyTo.tell(failure);
        }
    }

    /** A command that is answered without descriptors. */
    private record Simple<R>(Class<R> type, ActorRef<? super R> replyTo, Duration allowance)
            implements Pending {
        @Override
        public boolean answer(ServiceFrame frame, List<Fd> descriptors) {
            if (frame instanceof ServiceFrame.Answer(int serial, Reply reply)
                    && type.isInstance(reply)
                    && descriptors.isEmpty()) {
                replyTo.tell(type.cast(reply));
                return true;
            }
            return false;
        }

        @Override
        public void fail(Failure failure) {
            replyTo.tell(type.cast(failure)); // which every kind of reply may be
        }
    }

    private void look(ActorRef<Container.Looked> replyTo) {
        Pending waits = new Looking(replyTo, settings.timeout());
        unsent.add(new Unsent(ClientFrame.Look::new, List.of(), () -> {}, waits));
        sendNext();
    }

    private record Looking(ActorRef<Container.Looked> replyTo, Duration allowance)
            implements Pending {
        @Override
        public boolean answer(ServiceFrame frame, List<Fd> descriptors) {
            if (frame instanceof ServiceFrame.Looked(int serial, Optional<Standstill> standstill)
                    && descriptors.isEmpty()) {
                replyTo.tell(new Container.Looked(standstill));
                return true;
            }
            return false;
        }

        @Override
        public void fail(Failure failure) {
            replyTo.tell(Container.Looked.NOTHING);
        }
    }

    // ---- programs ----------------------------------------------------------------------------

    private void execute(Container.Execute execute) {
        if (execute.request().announceStart() != execute.started().isPresent()) {
            refuse(
                    execute,
                    Failure.of(
                            Failure.Kind.INVALID_REQUEST,
                            "a start is announced when the request asks for it and somebody is"
                                    + " there to be told"));
            return;
        }
        Optional<Failure> unfit = execute.descriptors().check(execute.request());
        if (unfit.isPresent()) {
            refuse(execute, unfit.get());
            return;
        }
        ExecveDescriptors given = execute.descriptors();
        call(
                execute.request(),
                given.inOrder(execute.request()),
                given::close,
                new Running(execute, allowance(execute)));
    }

    /** At a small CPU rate, a program's start and end take as much longer as its work. */
    private Duration allowance(Container.Execute execute) {
        return Container.deadline(execute.request().limits(), settings.grace())
                .plus(settings.timeout());
    }

    private final class Running implements Pending {
        private final Container.Execute execute;
        private final Duration allowance;
        private boolean announced;

        Running(Container.Execute execute, Duration allowance) {
            this.execute = execute;
            this.allowance = allowance;
        }

        @Override
        public Duration allowance() {
            return allowance;
        }

        @Override
        public boolean answer(ServiceFrame frame, List<Fd> descriptors) {
            if (frame instanceof ServiceFrame.Answer(int serial, ExecveReply reply)
                    && descriptors.isEmpty()) {
                execute.replyTo().tell(reply);
                return true;
            }
            return false;
        }

        /** Whether it could be announced. */
        boolean announce(int pid, List<Fd> descriptors) {
            if (announced || execute.started().isEmpty() || descriptors.size() != 1) {
                return false;
            }
            announced = true;
            execute.started()
                    .get()
                    .tell(
                            new Container.Started(
                                    pid,
                                    new PidFd(descriptors.getFirst()),
                                    getContext().getSelf().narrow()));
            return true;
        }

        @Override
        public void fail(Failure failure) {
            execute.replyTo().tell(failure);
        }
    }

    /** For the program that runs, or will be the next to; whether the service has one. */
    private boolean sign(Function<Integer, ClientFrame> sign) {
        for (Map.Entry<Integer, Pending> each : pending.entrySet()) {
            if (each.getValue() instanceof Running) {
                frames.send(encoder, sign.apply(each.getKey()));
                return true;
            }
        }
        return false;
    }

    /** The first program that waits to be sent will not be. */
    private void refuseUnsent() {
        for (Unsent call : unsent) {
            if (call.waits() instanceof Running) {
                unsent.remove(call);
                call.sent().run();
                call.waits().fail(Container.killedBeforeItsStart());
                return;
            }
        }
    }

    // ---- commands of several frames ----------------------------------------------------------

    /** As many at a time as fit into a frame, and as their answers do. */
    private static <T> List<List<T>> parts(List<T> all, ToIntFunction<T> bytes) {
        List<List<T>> parts = new ArrayList<>();
        List<T> part = new ArrayList<>();
        int size = 0;
        for (T each : all) {
            int more = bytes.applyAsInt(each);
            if (!part.isEmpty() && (part.size() == FILES || size + more > PATH_BYTES)) {
                parts.add(part);
                part = new ArrayList<>();
                size = 0;
            }
            part.add(each);
            size += more;
        }
        parts.add(part);
        return parts;
    }

    /** What becomes of a command: a failed part is its failure; answered when the last part is. */
    private abstract static class Whole {
        private int left;
        private @Nullable Failure failure;

        Whole(int parts) {
            left = parts;
        }

        void fail(Failure why) {
            if (failure == null) {
                failure = why;
            }
            count();
        }

        void count() {
            left--;
            if (left == 0) {
                end(Optional.ofNullable(failure));
            }
        }

        abstract void end(Optional<Failure> failed);
    }

    private void open(Open request, ActorRef<OpenReply> replyTo) {
        List<List<OpenFile>> parts = parts(request.files(), file -> bytes(file.path()));
        WholeOpen whole = new WholeOpen(parts.size(), replyTo);
        parts.forEach(part -> call(new Open(part), new OpenPart(whole, part, settings.timeout())));
    }

    private static final class WholeOpen extends Whole {
        private final ActorRef<OpenReply> replyTo;
        private final Map<String, Fd> files = new LinkedHashMap<>();
        private final Map<String, Failure> errors = new LinkedHashMap<>();

        WholeOpen(int parts, ActorRef<OpenReply> replyTo) {
            super(parts);
            this.replyTo = replyTo;
        }

        @Override
        void end(Optional<Failure> failed) {
            Opened opened = new Opened(files, errors);
            if (failed.isPresent()) {
                opened.close();
                replyTo.tell(new OpenFailed(failed.get()));
            } else {
                replyTo.tell(opened);
            }
        }
    }

    private record OpenPart(WholeOpen whole, List<OpenFile> wanted, Duration allowance)
            implements Pending {
        @Override
        public boolean answer(ServiceFrame frame, List<Fd> descriptors) {
            if (frame instanceof ServiceFrame.OpenedFiles opened
                    && descriptors.size() == opened.paths().size()
                    && isComplete(opened)) {
                for (int i = 0; i < descriptors.size(); i++) {
                    whole.files.put(opened.paths().get(i), descriptors.get(i));
                }
                whole.errors.putAll(opened.errors());
                whole.count();
                return true;
            }
            if (frame instanceof ServiceFrame.Answer(int serial, Failure failure)
                    && descriptors.isEmpty()) {
                whole.fail(failure);
                return true;
            }
            return false;
        }

        /** Whether it is about each file that was asked for, once, and no other. */
        private boolean isComplete(ServiceFrame.OpenedFiles opened) {
            Set<String> paths = new HashSet<>(opened.paths());
            paths.addAll(opened.errors().keySet());
            return opened.paths().size() + opened.errors().size() == wanted.size()
                    && paths.equals(
                            wanted.stream().map(OpenFile::path).collect(Collectors.toSet()));
        }

        @Override
        public void fail(Failure failure) {
            whole.fail(failure);
        }
    }

    private void symlink(Symlink request, ActorRef<SymlinkReply> replyTo) {
        List<List<SymbolicLink>> parts =
                parts(request.links(), link -> bytes(link.link()) + bytes(link.target()));
        WholeSymlink whole = new WholeSymlink(parts.size(), replyTo);
        parts.forEach(
                part -> call(new Symlink(part), new SymlinkPart(whole, part, settings.timeout())));
    }

    private static final class WholeSymlink extends Whole {
        private final ActorRef<SymlinkReply> replyTo;
        private final Map<String, Failure> errors = new LinkedHashMap<>();

        WholeSymlink(int parts, ActorRef<SymlinkReply> replyTo) {
            super(parts);
            this.replyTo = replyTo;
        }

        @Override
        void end(Optional<Failure> failed) {
            replyTo.tell(failed.<SymlinkReply>map(failure -> failure).orElse(new Linked(errors)));
        }
    }

    private record SymlinkPart(WholeSymlink whole, List<SymbolicLink> wanted, Duration allowance)
            implements Pending {
        @Override
        public boolean answer(ServiceFrame frame, List<Fd> descriptors) {
            if (!(frame instanceof ServiceFrame.Answer(int serial, SymlinkReply reply))
                    || !descriptors.isEmpty()) {
                return false;
            }
            switch (reply) {
                case Failure failure -> whole.fail(failure);
                case Linked linked -> {
                    if (!paths().containsAll(linked.errors().keySet())) {
                        return false;
                    }
                    whole.errors.putAll(linked.errors());
                    whole.count();
                }
            }
            return true;
        }

        private Set<String> paths() {
            return wanted.stream().map(SymbolicLink::link).collect(Collectors.toSet());
        }

        @Override
        public void fail(Failure failure) {
            whole.fail(failure);
        }
    }

    /** At most: a character takes up to three bytes of UTF-8, a surrogate pair four. */
    private static int bytes(String path) {
        return 3 * path.length() + 16;
    }

    // ---- answers -----------------------------------------------------------------------------

    /** Whether the frame makes sense; its descriptors are taken care of in any case. */
    private boolean onFrame(ServiceFrame frame, List<Fd> descriptors) {
        boolean fits =
                switch (frame) {
                    case ServiceFrame.Answer answer ->
                            onAnswer(answer.serial(), frame, descriptors);
                    case ServiceFrame.OpenedFiles opened ->
                            onAnswer(opened.serial(), frame, descriptors);
                    case ServiceFrame.Looked looked ->
                            onAnswer(looked.serial(), frame, descriptors);
                    case ServiceFrame.Announced(int of, int pid) ->
                            switch (pending.get(of)) {
                                case Running running -> running.announce(pid, descriptors);
                                case null -> late(descriptors);
                                default -> false;
                            };
                    case ServiceFrame.Refused(Failure failure) -> {
                        descriptors.forEach(Fd::close);
                        if (closing == null) {
                            close(failure);
                        }
                        yield true;
                    }
                    case ServiceFrame.Welcome welcome -> false;
                };
        if (!fits) {
            descriptors.forEach(Fd::close);
        }
        return fits;
    }

    private boolean onAnswer(int of, ServiceFrame frame, List<Fd> descriptors) {
        Pending waits = pending.get(of);
        if (waits == null) {
            return late(descriptors);
        }
        if (!waits.answer(frame, descriptors)) {
            return false;
        }
        if (pending.keySet().iterator().next()
                == of) { // what is answered beside it is no sign of it
            since = System.nanoTime();
        }
        pending.remove(of);
        sendNext();
        return true;
    }

    /** Nobody waits for it any more. */
    private static boolean late(List<Fd> descriptors) {
        descriptors.forEach(Fd::close);
        return true;
    }

    private static String name(Frame frame) {
        return frame.getClass().getSimpleName();
    }

    private void fail(int of, Failure failure) {
        Pending waits = pending.remove(of);
        if (waits != null) {
            waits.fail(failure);
            sendNext();
        }
    }

    /** One timer for all calls: the first of them has so long since the one before was answered. */
    private Behavior<Object> onOverdue() {
        timed = false;
        if (closing != null) {
            return lose("the service did not close the connection in time");
        }
        if (pending.isEmpty()) {
            return this;
        }
        Duration left =
                pending.values()
                        .iterator()
                        .next()
                        .allowance()
                        .minusNanos(System.nanoTime() - since);
        if (left.isPositive()) {
            timed = true;
            Duration soon = settings.timeout(); // another call may have less time than this one
            timers.startSingleTimer(new Overdue(), left.compareTo(soon) < 0 ? left : soon);
            return this;
        }
        return lose("the service at %s did not answer in time".formatted(connected.path()));
    }

    // ---- the end -----------------------------------------------------------------------------

    /** Answers everybody; the service closes its end when nothing is left of the container. */
    private void close(Failure failure) {
        closing = failure;
        failAll(failure);
        connected.socket().endOutput();
        timed = true;
        timers.startSingleTimer(new Overdue(), settings.timeout());
    }

    private Behavior<Object> lose(String reason) {
        Failure failure = closing;
        if (failure == null) {
            failure = Failure.of(Failure.Kind.CONTAINER_LOST, reason);
            try (LogIds ids = LogIds.of(connected.welcome().init())) {
                LOG.warn("container {} is lost: {}", connected.welcome().init(), reason);
            }
        }
        closing = failure;
        failAll(failure);
        frames.finish();
        return this;
    }

    private void failAll(Failure failure) {
        List<Pending> all = new ArrayList<>(pending.values());
        pending.clear();
        unsent.forEach(call -> {
            call.sent().run();
            all.add(call.waits());
        });
        unsent.clear();
        all.forEach(waits -> waits.fail(failure));
    }

    @Override
    public Behavior<Object> onSignal(Signal signal) {
        if (signal instanceof Terminated terminated) {
            frames.onTerminated(terminated.getRef());
            return frames.haveEnded() ? Behaviors.stopped() : this;
        }
        if (signal instanceof PostStop) {
            failAll(Failure.of(Failure.Kind.CONTAINER_LOST, "the worker is shutting down"));
            frames.close();
        }
        return this;
    }
}
