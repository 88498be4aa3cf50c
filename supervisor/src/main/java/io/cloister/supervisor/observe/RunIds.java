// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.observe;

import java.util.Objects;

/**
 * What a run is called in log lines and events.
 *
 * @param run empty where a program is no part of a run
 * @param attempt counted from 1; 0 for a run that is not of the cluster
 */
public record RunIds(String run, int attempt) {
    /** Of programs that somebody executes without a run. */
    public static final RunIds NONE = new RunIds("", 0);

    public RunIds {
        Objects.requireNonNull(run, "run");
    }

    /** Of a run that a worker was given directly. */
    public static RunIds of(String run) {
        return new RunIds(run, 0);
    }
}
