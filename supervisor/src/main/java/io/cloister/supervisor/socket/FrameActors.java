// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.socket;

import akka.actor.typed.ActorRef;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.ActorContext;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.socket.PacketSocket;
import io.cloister.protocol.service.Frame;
import java.io.IOException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The receiver and the sender of a connection, for its router. They end before it does, so that no
 * descriptor is left in a message that nobody reads.
 */
public final class FrameActors {
    private static final Logger LOG = LoggerFactory.getLogger(FrameActors.class);

    private final ActorContext<Object> router;
    private final PacketSocket socket;
    private final ActorRef<FrameReceiver.Command> receiver;
    private final ActorRef<FrameSender.Command> sender;
    private int living = 2;
    private boolean finishing;

    /** Starts both, children of the router; the socket is closed by {@link #close}. */
    public FrameActors(
            ActorContext<Object> router, PacketSocket socket, FrameReceiver.Decoder decoder) {
        this.router = router;
        this.socket = socket;
        DispatcherSelector here = DispatcherSelector.sameAsParent();
        ActorRef<Object> self = router.getSelf();
        receiver = router.spawn(FrameReceiver.create(socket, decoder, self), "receive", here);
        sender = router.spawn(FrameSender.create(socket, self), "send", here);
        router.watch(receiver);
        router.watch(sender);
    }

    /** So many more frames may come; at first none. */
    public void allow(int frames) {
        receiver.tell(new FrameReceiver.Credit(frames));
    }

    public void send(FrameSender.Encoder encoder, Frame frame) {
        sender.tell(new FrameSender.Send(encoder, frame));
    }

    /** As {@link FrameSender.Send} says. */
    public void send(
            FrameSender.Encoder encoder, Frame frame, List<Fd> descriptors, Runnable sent) {
        sender.tell(new FrameSender.Send(encoder, frame, descriptors, sent));
    }

    /** Sends and reads no more; the router is told when both have ended. */
    public void finish() {
        if (!finishing) {
            finishing = true;
            receiver.tell(new FrameReceiver.Finish());
            sender.tell(new FrameSender.Finish());
        }
    }

    /**
     * Of the router's Terminated signals.
     *
     * @return whether it was one of these two
     */
    public boolean onTerminated(ActorRef<?> ref) {
        boolean ours = ref.equals(receiver) || ref.equals(sender);
        if (ours) {
            living--;
        }
        return ours;
    }

    /** Whether both have ended. */
    public boolean haveEnded() {
        return living == 0;
    }

    /** Closes the socket, when the router ends. */
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            LOG.warn("cannot close the socket of {}", router.getSelf().path().name(), e);
        }
    }
}
