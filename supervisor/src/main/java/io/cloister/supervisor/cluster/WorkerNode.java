// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.actor.typed.ActorRef;
import akka.actor.typed.delivery.ProducerController;
import akka.actor.typed.receptionist.ServiceKey;

/** A worker of the cluster: carries out what the queue assigns, in the slots that it has. */
public final class WorkerNode {
    /** What it can be told. */
    public sealed interface Command {}

    /** Under this, workers that are ready are found. */
    public static final ServiceKey<Command> SERVICE =
            ServiceKey.create(Command.class, "cloister-worker");

    /**
     * Take assignments from this queue, from now on; answered {@link RunQueue.Attached}.
     *
     * @param assignments sends them
     */
    public record Attach(
            ActorRef<RunQueue.Command> queue,
            ActorRef<ProducerController.Command<Assignment>> assignments)
            implements Command, Remote {}

    /** Carry a run out; comes by reliable delivery. */
    public record Assignment(int attempt, Order order) implements Remote {
        public Ticket ticket() {
            return new Ticket(order.key(), attempt);
        }
    }

    /** End an attempt, or do not begin it; answered like any other. */
    public record Cancel(Ticket ticket) implements Command, Remote {}

    /** What was finished is known, its files are needed still: do not tell it again. */
    public record Noted(Ticket ticket) implements Command, Remote {}

    /** What was finished or handed back is done with: its files are needed no more. */
    public record Settled(Ticket ticket) implements Command, Remote {}

    /** Too many results failed: check the sandbox before offering slots again. */
    public record Suspend(String reason) implements Command, Remote {}

    private WorkerNode() {}
}
