// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.observe;

import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import java.time.Duration;

/**
 * Told what happens, by the actors to which it happens: it must not block, nor throw, and is called
 * by several threads.
 */
public interface MetricsListener {
    /** Takes no notice. */
    MetricsListener NONE = new MetricsListener() {};

    /**
     * A run was answered by its worker.
     *
     * @param status that of its first program that has another than {@link Status#OK}
     * @param time since it was submitted
     */
    default void runEnded(Status status, Duration time) {}

    /** A program of a run ended, or could not run. */
    default void programEnded(ProgramOutcome outcome, Limits limits) {}

    /** A program got a container, after so long. */
    default void containerTaken(Duration waited) {}

    /** A container is ready for the first time, so long after it was asked for. */
    default void containerCreated(Duration time) {}

    /** A container was reset, and is clean, or destroyed. */
    default void containerReset(boolean clean, Duration time) {}

    /** Nothing is left of a container. */
    default void containerRetired(Retirement reason) {}

    /** The cluster's queue assigned a run, which had waited so long since it came, or came back. */
    default void assigned(Duration waited) {}

    /** The cluster's queue answered a run. */
    default void answered(Ending ending) {}

    /** The cluster's queue lost an attempt with its worker. */
    default void attemptLost() {}
}
