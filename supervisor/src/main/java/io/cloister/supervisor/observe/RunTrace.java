// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.observe;

import io.cloister.protocol.run.Status;
import org.jspecify.annotations.Nullable;

/** The flight recorder's event of one run. */
public final class RunTrace {
    private static final RunTrace OFF = new RunTrace(null);

    private final Events.@Nullable Run event;

    private RunTrace(Events.@Nullable Run event) {
        this.event = event;
    }

    /** A run was submitted. */
    public static RunTrace begin(RunIds ids, int programs) {
        Events.Run event = new Events.Run();
        if (!event.isEnabled()) {
            return OFF;
        }
        event.of(ids);
        event.programs = programs;
        event.begin();
        return new RunTrace(event);
    }

    /** It is answered. */
    public void end(Status status) {
        if (event != null) {
            event.status = status.name();
            event.commit();
        }
    }
}
