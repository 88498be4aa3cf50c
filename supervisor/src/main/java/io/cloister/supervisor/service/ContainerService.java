// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.service;

import akka.Done;
import akka.actor.CoordinatedShutdown;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.TimerScheduler;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.socket.PacketListener;
import io.cloister.nativeio.socket.PacketSocket;
import io.cloister.nativeio.socket.PeerCredentials;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.service.FrameKryo;
import io.cloister.protocol.service.ServiceFrame;
import io.cloister.supervisor.container.WakefulExecutor;
import io.cloister.supervisor.pool.ContainerSupervisor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The local service: it listens at a Unix socket, admits peers by their credentials, and has a
 * supervisor of containers for each profile. Whoever is not admitted is told so, and logged.
 */
public final class ContainerService extends AbstractOnMessageBehavior<ContainerService.Command> {
    private static final Logger LOG = LoggerFactory.getLogger(ContainerService.class);

    /** Connections that are accepted before others get their turn. */
    private static final int AT_ONCE = 16;

    private static final Duration PAUSE = Duration.ofMillis(200);

    private static final Duration UNBIND_LIMIT = Duration.ofSeconds(5);

    /** Refusals are logged one by one up to so many in a second, then by their number. */
    private static final int LOGGED_A_SECOND = 10;

    private static final int REFUSAL_BYTES = 16 * 1024;

    /** What the service is told. */
    public sealed interface Command {}

    /** Listen no more; connections go on. */
    public record Unbind(ActorRef<Unbound> replyTo) implements Command {}

    /** Nobody can connect any more. */
    public record Unbound() {}

    private record Accept() implements Command {}

    private record Refused(int who, String reason) implements Command {}

    private record TellRefusals() implements Command {}

    private final TimerScheduler<Command> timers;
    private final ServiceSettings settings;
    private final PacketListener listener;
    private final Connection.Service service;
    private final WakefulExecutor thread = WakefulExecutor.current();
    private final Fd readiness;
    private final Map<Integer, Peer> peers = new HashMap<>();
    private final Map<ActorRef<?>, Peer> connections = new HashMap<>();
    private final ActorRef<Command> me = getContext().getSelf();
    private final int uid = LibC.geteuid();
    private final ByteBuffer refusal = ByteBuffer.allocateDirect(REFUSAL_BYTES);
    private boolean listening;
    private long accepted;
    private int refusals;

    private ContainerService(
            ActorContext<Command> context,
            TimerScheduler<Command> timers,
            ServiceSettings settings,
            PacketListener listener)
            throws IOException {
        super(context);
        this.timers = timers;
        this.settings = settings;
        this.listener = listener;
        readiness = listener.readiness();
        Map<String, Connection.Pool> pools = new HashMap<>();
        for (Profile profile : settings.profiles()) {
            ActorRef<ContainerSupervisor.Command> supervisor =
                    context.spawn(
                            ContainerSupervisor.create(profile.settings()),
                            "pool-" + profile.name(),
                            DispatcherSelector.sameAsParent());
            context.watch(supervisor);
            pools.put(profile.name(), new Connection.Pool(profile, supervisor));
        }
        service =
                new Connection.Service(
                        settings.helloTimeout(),
                        Map.copyOf(pools),
                        (who, reason) -> me.tell(new Refused(who, reason)));
        unbindOnShutdown(context);
        listen();
    }

    /**
     * The behaviour of the service. To be spawned on {@link ContainerSupervisor#DISPATCHER}.
     *
     * @param listener the service's from now on
     */
    public static Behavior<Command> create(ServiceSettings settings, PacketListener listener) {
        return Behaviors.setup(context ->
                Behaviors.withTimers(timers -> {
                    try {
                        return new ContainerService(context, timers, settings, listener);
                    } catch (IOException e) {
                        throw new IllegalStateException("the service cannot listen", e);
                    }
                }));
    }

    private void unbindOnShutdown(ActorContext<Command> context) {
        CoordinatedShutdown.get(context.getSystem())
                .addTask(
                        CoordinatedShutdown.PhaseServiceUnbind(),
                        "cloister-service-unbind",
                        () ->
                                AskPattern.ask(
                                                context.getSelf(),
                                                Unbind::new,
                                                UNBIND_LIMIT,
                                                context.getSystem().scheduler())
                                        .handle((unbound, late) -> Done.getInstance()));
    }

    @Override
    public Behavior<Command> onMessage(Command command) {
        switch (command) {
            case Accept accept -> accept();
            case Refused(int who, String reason) -> log(who, reason);
            case TellRefusals tell -> tellRefusals();
            case Unbind(ActorRef<Unbound> replyTo) -> {
                close();
                replyTo.tell(new Unbound());
            }
        }
        return this;
    }

    // ---- connections -------------------------------------------------------------------------

    private void listen() {
        if (!listening && readiness.isOpen()) {
            try {
                thread.watch(readiness, this::somebodyKnocks);
                listening = true;
            } catch (IOException e) {
                pause(e);
            }
        }
    }

    /** Not within a message. */
    private void somebodyKnocks() {
        stopListening();
        me.tell(new Accept());
    }

    private void accept() {
        if (!readiness.isOpen()) {
            return;
        }
        try {
            Optional<PacketSocket> socket = listener.acceptNow();
            for (int i = 1; socket.isPresent(); i++) {
                admit(socket.get());
                socket = i < AT_ONCE ? listener.acceptNow() : Optional.empty();
            }
            listen();
        } catch (IOException e) {
            pause(e);
        }
    }

    /** For want of descriptors, for example, which the next attempt at once would find, too. */
    private void pause(IOException e) {
        LOG.warn("cannot accept a connection, next attempt in {}: {}", PAUSE, e.getMessage());
        timers.startSingleTimer(new Accept(), PAUSE);
    }

    private void admit(PacketSocket socket) {
        PeerCredentials credentials;
        try {
            credentials = socket.peer();
        } catch (IOException e) {
            refuse(socket, -1, "who connects cannot be told: " + e.getMessage());
            return;
        }
        int who = credentials.uid();
        Peer peer = peers.computeIfAbsent(who, id -> new Peer(id, settings.quota()));
        socket.discardBy(peer.closer());
        if (who != uid
                && !settings.users().contains(who)
                && settings.groups().stream().noneMatch(credentials::isIn)) {
            refuse(
                    socket,
                    who,
                    "user %d is not admitted: have the operator add it to cloister.service.peers"
                            .formatted(who));
            return;
        }
        Optional<Failure> over = peer.takeContainer();
        if (over.isPresent()) {
            refuse(socket, who, over.get().message());
            return;
        }
        ActorRef<Object> connection =
                getContext()
                        .spawn(
                                Connection.create(service, socket, peer),
                                "connection-" + ++accepted,
                                DispatcherSelector.sameAsParent());
        connections.put(connection, peer);
        getContext().watch(connection);
        LOG.debug("connection {} of process {}, user {}", accepted, credentials.pid(), who);
    }

    /** Tells it as far as that takes no time. */
    private void refuse(PacketSocket socket, int who, String reason) {
        log(who, reason);
        refusal.clear();
        try (socket) {
            new FrameKryo()
                    .write(
                            new ServiceFrame.Refused(Failure.of(Failure.Kind.UNAVAILABLE, reason)),
                            refusal);
            socket.trySend(refusal.flip(), List.of());
        } catch (IOException e) {
            LOG.debug("user {} cannot be told that it is refused: {}", who, e.getMessage());
        }
        peers.values().removeIf(Peer::isIdle);
    }

    private void log(int who, String reason) {
        refusals++;
        if (refusals <= LOGGED_A_SECOND) {
            LOG.warn("connection of user {} is refused: {}", who, reason);
        }
        if (!timers.isTimerActive("refusals")) {
            timers.startSingleTimer("refusals", new TellRefusals(), Duration.ofSeconds(1));
        }
    }

    private void tellRefusals() {
        if (refusals > LOGGED_A_SECOND) {
            LOG.warn("{} more connections were refused", refusals - LOGGED_A_SECOND);
        }
        refusals = 0;
    }

    // ---- the end -----------------------------------------------------------------------------

    @Override
    public Behavior<Command> onSignal(Signal signal) {
        if (signal instanceof Terminated terminated) {
            Peer peer = connections.remove(terminated.getRef());
            if (peer == null) {
                throw new IllegalStateException(
                        terminated.getRef().path().name()
                                + " has stopped: it makes the containers");
            }
            peers.values().removeIf(Peer::isIdle);
        } else if (signal instanceof PostStop) {
            close();
        }
        return this;
    }

    private void stopListening() {
        listening = false;
        thread.forget(readiness);
    }

    private void close() {
        stopListening();
        readiness.close();
        try {
            listener.close();
        } catch (IOException e) {
            LOG.warn("cannot close the service's socket", e);
        }
    }
}
