// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.actor.typed.ActorRef;
import java.util.List;

/** The cluster's queue of runs. */
public final class RunQueue {
    /** What it can be told. */
    public sealed interface Command {}

    // ---- by clients --------------------------------------------------------------------------

    /**
     * Have a run carried out; answered {@link RunClient.Accepted}, then {@link RunClient.Answered},
     * or the latter at once. A run that is there already is joined.
     */
    public record Submit(Order order, ActorRef<RunClient.Command> client)
            implements Command, Remote {}

    /** Nobody wants it any more; answered {@link RunClient.Answered} like any other. */
    public record Cancel(RunKey key) implements Command, Remote {}

    /** The answer came, with all its files. */
    public record Acknowledge(RunKey key) implements Command, Remote {}

    /** The answer's files are lost with their worker: it must be carried out again. */
    public record Missing(Ticket ticket, ActorRef<RunClient.Command> client)
            implements Command, Remote {}

    // ---- by workers --------------------------------------------------------------------------

    /**
     * The answer to {@link WorkerNode.Attach}.
     *
     * @param held what it is at, from another queue perhaps
     */
    public record Attached(
            ActorRef<WorkerNode.Command> worker, Capabilities capabilities, List<Held> held)
            implements Command, Remote {
        public static final int MAX_HELD = 4 * Capabilities.MAX_SLOTS;

        public Attached {
            held = List.copyOf(held);
        }
    }

    /** An attempt that a worker is at, with the slots that it takes. */
    public record Held(Ticket ticket, int containers) {}

    /** Offers so many slots from now on: none while it drains, or checks itself. */
    public record Offer(ActorRef<WorkerNode.Command> worker, int slots)
            implements Command, Remote {}

    /**
     * An attempt came to its end; told again until {@link WorkerNode.Settled}.
     *
     * @param failed for a reason that is the worker's: another may do better
     */
    public record Finished(
            ActorRef<WorkerNode.Command> worker,
            Ticket ticket,
            Answer.Result result,
            boolean failed)
            implements Command, Remote {}

    /** The worker does not carry it out, through no fault of the run's; told again likewise. */
    public record HandBack(ActorRef<WorkerNode.Command> worker, Ticket ticket)
            implements Command, Remote {}

    // ---- by who watches ----------------------------------------------------------------------

    /** Tell what there is, once. */
    public record Look(ActorRef<ClusterView> replyTo) implements Command, Remote {}

    private RunQueue() {}
}
