// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.socket;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.TimerScheduler;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.socket.PacketSocket;
import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.service.Frame;
import io.cloister.supervisor.container.WakefulExecutor;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes the frames of a connection. A peer that does not read keeps nobody waiting but itself:
 * frames wait here, as many as the router lets there be. To be spawned on the containers'
 * dispatcher, whose thread it writes on.
 */
public final class FrameSender extends AbstractOnMessageBehavior<FrameSender.Command> {
    private static final ThreadLocal<ByteBuffer> BUFFER =
            ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(Frame.MAX_BYTES));

    /** Writes frames. */
    @FunctionalInterface
    public interface Encoder {
        void encode(Frame frame, ByteBuffer into) throws ProtocolException;
    }

    /** What a sender is told. */
    public sealed interface Command {}

    /**
     * Send a frame.
     *
     * @param encoder of the version to write
     * @param sent run when it has been sent or never will be; closes the descriptors, if need be
     */
    public record Send(Encoder encoder, Frame frame, List<Fd> descriptors, Runnable sent)
            implements Command {
        public Send(Encoder encoder, Frame frame) {
            this(encoder, frame, List.of(), () -> {});
        }
    }

    /** Drop what cannot be sent at once, and end. */
    public record Finish() implements Command {}

    private record Retry() implements Command {}

    /** After the kernel had room and yet would not send. */
    private static final Duration PAUSE = Duration.ofMillis(50);

    private final TimerScheduler<Command> timers;
    private final PacketSocket socket;
    private final ActorRef<? super FrameEvent> router;
    private final WakefulExecutor thread = WakefulExecutor.current();
    private final Deque<Send> waiting = new ArrayDeque<>();
    private @Nullable Fd writable;
    private boolean broken;

    private FrameSender(
            ActorContext<Command> context,
            TimerScheduler<Command> timers,
            PacketSocket socket,
            ActorRef<? super FrameEvent> router) {
        super(context);
        this.timers = timers;
        this.socket = socket;
        this.router = router;
    }

    /** The behaviour of a connection's sender. The socket stays the router's. */
    public static Behavior<Command> create(
            PacketSocket socket, ActorRef<? super FrameEvent> router) {
        return Behaviors.setup(context ->
                Behaviors.withTimers(timers -> new FrameSender(context, timers, socket, router)));
    }

    @Override
    public Behavior<Command> onMessage(Command command) {
        switch (command) {
            case Send send when broken -> send.sent().run();
            case Send send when !waiting.isEmpty() || !trySend(send) -> waiting.add(send);
            case Send send -> {} // sent
            case Retry retry -> sendWaiting();
            case Finish finish -> {
                return Behaviors.stopped();
            }
        }
        return this;
    }

    /** Whether it is done with, sent or not. */
    private boolean trySend(Send send) {
        ByteBuffer buffer = BUFFER.get().clear();
        try {
            send.encoder().encode(send.frame(), buffer);
            if (!socket.trySend(buffer.flip(), send.descriptors())) {
                awaitWritable();
                return false;
            }
        } catch (ProtocolException e) {
            router.tell(new FrameEvent.Unsendable(send.frame(), String.valueOf(e.getMessage())));
        } catch (EOFException e) {
            fail(new FrameEvent.WriteClosed("the other end has closed it"));
        } catch (IOException e) {
            fail(new FrameEvent.Broken(String.valueOf(e.getMessage())));
        }
        send.sent().run();
        return true;
    }

    private void awaitWritable() throws IOException {
        if (writable == null) {
            Fd readiness = socket.readiness();
            writable = readiness;
            thread.watchWritable(readiness, this::resume);
        }
    }

    /**
     * When nothing can be sent although there is room, more descriptors are in flight than may be
     * (ETOOMANYREFS), of whose end nothing tells.
     */
    private void resume() {
        if (!sendWaiting()) {
            stopWatching();
            timers.startSingleTimer(new Retry(), PAUSE);
        }
    }

    /** Whether anything was sent, or need be. */
    private boolean sendWaiting() {
        boolean some = false;
        for (Send send = waiting.poll(); send != null; send = waiting.poll()) {
            if (!trySend(send)) {
                waiting.addFirst(send);
                return some;
            }
            some = true;
        }
        stopWatching();
        return true;
    }

    private void fail(FrameEvent event) {
        broken = true;
        stopWatching();
        drop();
        router.tell(event);
    }

    private void stopWatching() {
        Fd readiness = writable;
        if (readiness != null) {
            writable = null;
            thread.forget(readiness);
            readiness.close();
        }
    }

    @Override
    public Behavior<Command> onSignal(Signal signal) {
        if (signal instanceof PostStop) {
            stopWatching();
            drop();
        }
        return this;
    }

    private void drop() {
        waiting.forEach(send -> send.sent().run());
        waiting.clear();
    }
}
