// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.observe;

import org.slf4j.MDC;

/**
 * Ids in SLF4J's mapped diagnostic context for as long as this is open. It is opened around the log
 * lines of a run or a container, not around each message, since nearly all messages log nothing.
 *
 * <pre>
 * try (LogIds ids = LogIds.of(run, container)) {
 *     LOG.warn(…);
 * }
 * </pre>
 */
public final class LogIds implements AutoCloseable {
    /** The run's id; in a cluster {@code tenant/id}. */
    public static final String RUN = "run";

    /** The number of the container's first process on the host. */
    public static final String CONTAINER = "container";

    /** Which attempt at the run it is, counted from 1; only in a cluster. */
    public static final String ATTEMPT = "attempt";

    private LogIds(RunIds run) {
        if (!run.run().isEmpty()) {
            MDC.put(RUN, run.run());
        }
        if (run.attempt() > 0) {
            MDC.put(ATTEMPT, Integer.toString(run.attempt()));
        }
    }

    public static LogIds of(RunIds run) {
        return new LogIds(run);
    }

    /** With the number of a container's first process. */
    public static LogIds of(RunIds run, int container) {
        MDC.put(CONTAINER, Integer.toString(container));
        return new LogIds(run);
    }

    public static LogIds of(int container) {
        return of(RunIds.NONE, container);
    }

    @Override
    public void close() {
        MDC.remove(RUN);
        MDC.remove(ATTEMPT);
        MDC.remove(CONTAINER);
    }
}
