// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.observe;

import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.run.Status;
import org.jspecify.annotations.Nullable;

/** The flight recorder's events of one program of a run: set-up, exec, reap. */
public final class ProgramTrace {
    private static final ProgramTrace OFF = new ProgramTrace(null);

    private final Events.@Nullable SetUp setUp;
    private final long since = System.nanoTime();
    private Events.@Nullable Exec exec;
    private long execSince;

    private ProgramTrace(Events.@Nullable SetUp setUp) {
        this.setUp = setUp;
    }

    /**
     * A program is given to its runner, which asks for a container.
     *
     * @param program its index in the run
     */
    public static ProgramTrace begin(RunIds ids, int program) {
        Events.SetUp event = new Events.SetUp();
        if (!event.isEnabled()) {
            return OFF;
        }
        event.of(ids);
        event.program = program;
        event.begin();
        return new ProgramTrace(event);
    }

    /**
     * It has got a container.
     *
     * @param container the number of its first process
     */
    public void taken(int container, long lease) {
        if (setUp != null) {
            setUp.container = container;
            setUp.lease = lease;
            setUp.containerWait = System.nanoTime() - since;
        }
    }

    /** The command goes to the container. */
    public void executing() {
        if (setUp != null) {
            setUp.commit();
            exec = new Events.Exec();
            exec.of(setUp);
            exec.begin();
            execSince = System.nanoTime();
        }
    }

    /** The container has replied. */
    public void executed(ExecveResult result) {
        Events.Exec event = exec;
        if (event != null) {
            event.end();
            event.setUpTime = result.setUpTime().toNanos();
            event.wallTime = result.wallTime().toNanos();
            event.cpuTime = result.usage().cpuTime().toNanos();
            Events.Reap reap = new Events.Reap();
            reap.of(event);
            reap.time =
                    Math.max(0, System.nanoTime() - execSince - event.setUpTime - event.wallTime);
            reap.commit();
        }
    }

    /** The outcome is known. */
    public void end(Status status) {
        Events.Exec event = exec;
        if (event != null) {
            event.status = status.name();
            event.commit();
        } else if (setUp != null) { // it did not come to its start
            setUp.commit();
        }
    }
}
