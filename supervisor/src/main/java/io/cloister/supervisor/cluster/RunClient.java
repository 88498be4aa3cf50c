// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.actor.typed.ActorRef;

/** Submits this node's runs to the queue, and sees to it that each is answered once. */
public final class RunClient {
    /** What it can be told. */
    public sealed interface Command {}

    /** The queue has the run. */
    public record Accepted(RunKey key, ActorRef<RunQueue.Command> queue)
            implements Command, Remote {}

    /**
     * A worker has it.
     *
     * @param lost how many workers were lost with it before
     */
    public record Begun(Ticket ticket, int lost, String worker) implements Command, Remote {}

    /** What became of it; told again until {@link RunQueue.Acknowledge}. */
    public record Answered(RunKey key, Answer answer, ActorRef<RunQueue.Command> queue)
            implements Command, Remote {}

    private RunClient() {}
}
