// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.socket;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.socket.Packet;
import io.cloister.nativeio.socket.PacketSocket;
import io.cloister.nativeio.socket.PacketTruncatedException;
import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.service.Frame;
import io.cloister.supervisor.container.WakefulExecutor;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Reads the frames of a connection and passes them to its router, one at a time and as many as
 * there are credits for; a peer that sends more waits. To be spawned on the containers' dispatcher,
 * whose thread it reads on.
 */
public final class FrameReceiver extends AbstractOnMessageBehavior<FrameReceiver.Command> {
    private static final ThreadLocal<ByteBuffer> BUFFER =
            ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(Frame.MAX_BYTES));

    /** What a receiver is told. */
    public sealed interface Command {}

    /** So many more frames may come. */
    public record Credit(int frames) implements Command {}

    /** Read no more, and end: after it the router gets no frame that it would have to close. */
    public record Finish() implements Command {}

    /** Reads the frames that are the peer's to send. */
    @FunctionalInterface
    public interface Decoder {
        Frame decode(ByteBuffer bytes) throws ProtocolException;
    }

    private final PacketSocket socket;
    private final Decoder decoder;
    private final ActorRef<? super FrameEvent> router;
    private final WakefulExecutor thread = WakefulExecutor.current();
    private final Fd readiness;
    private int credits;
    private boolean watching;
    private boolean broken;

    private FrameReceiver(
            ActorContext<Command> context,
            PacketSocket socket,
            Decoder decoder,
            ActorRef<? super FrameEvent> router)
            throws IOException {
        super(context);
        this.socket = socket;
        this.decoder = decoder;
        this.router = router;
        readiness = socket.readiness();
    }

    /** The behaviour of a receiver without credits. The socket stays the router's. */
    public static Behavior<Command> create(
            PacketSocket socket, Decoder decoder, ActorRef<? super FrameEvent> router) {
        return Behaviors.setup(context -> {
            try {
                return new FrameReceiver(context, socket, decoder, router);
            } catch (IOException e) {
                router.tell(new FrameEvent.Broken("it cannot be listened to: " + e.getMessage()));
                return Behaviors.receive(Command.class)
                        .onMessage(Finish.class, finish -> Behaviors.stopped())
                        .build();
            }
        });
    }

    @Override
    public Behavior<Command> onMessage(Command command) {
        if (!(command instanceof Credit(int frames))) {
            return Behaviors.stopped();
        }
        credits += frames;
        if (!watching && !broken) {
            try {
                thread.watch(readiness, this::receive);
                watching = true;
            } catch (IOException e) {
                fail("it cannot be listened to: " + e.getMessage());
            }
        }
        return this;
    }

    private void receive() {
        try {
            Optional<Packet> packet = socket.receiveNow(BUFFER.get().clear());
            if (packet.isPresent()) {
                onPacket(packet.get());
            }
        } catch (EOFException e) {
            fail("the other end has closed it");
        } catch (PacketTruncatedException e) {
            refuse(String.valueOf(e.getMessage()));
        } catch (IOException | RuntimeException e) {
            fail(String.valueOf(e.getMessage()));
        }
    }

    private void onPacket(Packet packet) {
        Frame frame;
        try {
            frame = decoder.decode(packet.bytes());
        } catch (ProtocolException | RuntimeException e) {
            socket.discard(packet.descriptors());
            refuse("a frame could not be read: " + e.getMessage());
            return;
        }
        router.tell(new FrameEvent.Arrived(frame, packet.descriptors()));
        credits--;
        if (credits == 0) {
            stopWatching();
        }
    }

    private void refuse(String reason) {
        end(new FrameEvent.Unreadable(reason));
    }

    private void fail(String reason) {
        end(new FrameEvent.Broken(reason));
    }

    private void end(FrameEvent event) {
        broken = true;
        stopWatching();
        router.tell(event);
    }

    private void stopWatching() {
        watching = false;
        thread.forget(readiness);
    }

    @Override
    public Behavior<Command> onSignal(Signal signal) {
        if (signal instanceof PostStop) {
            stopWatching();
            readiness.close();
        }
        return this;
    }
}
