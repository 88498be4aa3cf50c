// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.socket;

import akka.actor.DeadLetterSuppression;
import io.cloister.nativeio.fd.Fd;
import io.cloister.protocol.service.Frame;
import java.util.List;

/** What a connection's receiver and sender tell its router. */
public sealed interface FrameEvent {
    /**
     * A frame has come.
     *
     * @param descriptors that came beside it, the router's to close
     */
    record Arrived(Frame frame, List<Fd> descriptors) implements FrameEvent {}

    /** What came is no frame of the other end's; nothing more is read. */
    record Unreadable(String reason) implements FrameEvent, DeadLetterSuppression {}

    /** A frame was not sent, since it cannot be. */
    record Unsendable(Frame frame, String reason) implements FrameEvent {}

    /** No frame goes any more; what the other end has said before its end still comes. */
    record WriteClosed(String reason) implements FrameEvent, DeadLetterSuppression {}

    /** No frame comes or goes any more; of no interest once the router has ended. */
    record Broken(String reason) implements FrameEvent, DeadLetterSuppression {}
}
