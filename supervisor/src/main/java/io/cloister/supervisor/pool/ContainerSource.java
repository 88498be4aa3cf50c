// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.pool;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import io.cloister.nativeio.cgroup.ContainerCgroup;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.message.Failure;
import io.cloister.supervisor.container.Container;
import java.util.Optional;

/** Where a supervisor's containers come from. */
interface ContainerSource extends AutoCloseable {
    /** What its maker is told. */
    sealed interface Order {}

    /**
     * Make a container. Answered always, and within a bound.
     *
     * @param birth comes back with the answer
     * @param pooled the next one is prepared before this one is admitted; if somebody waits for it,
     *     {@link Prepare} follows when it is ready, since to configure it takes the same locks in
     *     the kernel
     */
    record Make(long birth, boolean pooled, ActorRef<Made> replyTo) implements Order {}

    /** Prepare the next container, unless that has been done. */
    record Prepare() implements Order {}

    /** What came of it. */
    sealed interface Made {
        long birth();
    }

    /** The receiver owns it. */
    record Born(long birth, Newborn newborn) implements Made {}

    /**
     * Comes after {@link Born}: init is in its control groups, or why not. The receiver does not
     * wait for it to configure the container, since the kernel may take some milliseconds.
     */
    record Admitted(long birth, Optional<String> failure) implements Made {}

    record Stillborn(long birth, String reason) implements Made {}

    /** A container that nobody has spoken to yet. */
    interface Newborn {
        /** The number of its first process on the host, for messages. */
        int init();

        /** Its router, which owns it; to be spawned on {@link ContainerSupervisor#DISPATCHER}. */
        Behavior<Container.Command> router();

        /** The groups that its router is told of; none if it knows. */
        Optional<ContainerCgroup> cgroup();

        /**
         * Where its programs run.
         *
         * @param config that it was made for
         */
        String workDirectory(ContainerConfig config);
    }

    /** The actor that makes them, one after the other; it may block. */
    Behavior<Order> maker();

    /** How many there can be, those included that are ending. */
    int capacity();

    /** Why there can be no container of this configuration; empty when there can. */
    Optional<Failure> refusal(ContainerConfig config);

    /** For the log. */
    String describe();

    /** No container is left. */
    @Override
    void close();
}
