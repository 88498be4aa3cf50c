// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.observe;

import java.util.List;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/**
 * The events for the JDK's flight recorder. They are in every recording that does not leave them
 * out; while nobody records, none is made.
 */
final class Events {
    /** Every one there is. */
    static final List<Class<? extends Event>> ALL =
            List.of(
                    Run.class,
                    SetUp.class,
                    Exec.class,
                    Reap.class,
                    Reset.class,
                    ContainerCreate.class,
                    ContainerConfigure.class,
                    ContainerRetire.class);

    private Events() {}

    /** One that is of a run. */
    @Category({"Cloister", "Run"})
    @StackTrace(false)
    abstract static class OfRun extends Event {
        @Label("Run")
        String run = "";

        @Label("Attempt")
        int attempt;

        final void of(RunIds ids) {
            run = ids.run();
            attempt = ids.attempt();
        }
    }

    /** One that is of a program of a run, in its container. */
    abstract static class OfProgram extends OfRun {
        @Label("Program")
        int program;

        @Label("Container")
        int container;

        @Label("Lease")
        long lease;

        final void of(OfProgram other) {
            run = other.run;
            attempt = other.attempt;
            program = other.program;
            container = other.container;
            lease = other.lease;
        }
    }

    /** One that is of a container. */
    @Category({"Cloister", "Container"})
    @StackTrace(false)
    abstract static class OfContainer extends Event {
        @Label("Container")
        int container;
    }

    @Name("io.cloister.Run")
    @Label("Run")
    @Description("A run, from its submission to its answer")
    static final class Run extends OfRun {
        @Label("Programs")
        int programs;

        @Label("Status")
        String status = "";
    }

    @Name("io.cloister.SetUp")
    @Label("Set-up")
    @Description("A program's way to its start: it gets a container, and files are copied in")
    static final class SetUp extends OfProgram {
        @Label("Container Wait")
        @Timespan(Timespan.NANOSECONDS)
        long containerWait;
    }

    @Name("io.cloister.Exec")
    @Label("Exec")
    @Description(
            "A program, from the command to init until init's reply that nothing of it is left")
    static final class Exec extends OfProgram {
        @Label("Status")
        String status = "";

        @Label("Set-up Time")
        @Description("From the command's arrival at init to the program's start")
        @Timespan(Timespan.NANOSECONDS)
        long setUpTime;

        @Label("Wall Time")
        @Timespan(Timespan.NANOSECONDS)
        long wallTime;

        @Label("CPU Time")
        @Timespan(Timespan.NANOSECONDS)
        long cpuTime;
    }

    @Name("io.cloister.Reap")
    @Label("Reap")
    @Description("All that a program left was killed and reaped, as init has told")
    static final class Reap extends OfProgram {
        @Label("Time")
        @Description("Of the exec, what was neither set-up nor the program: with the messages")
        @Timespan(Timespan.NANOSECONDS)
        long time;
    }

    @Name("io.cloister.Reset")
    @Label("Reset")
    @Description("A container is cleaned after a lease")
    static final class Reset extends OfContainer {
        @Label("Lease")
        long lease;

        @Label("Status")
        String status = "";
    }

    @Name("io.cloister.ContainerCreate")
    @Label("Container Create")
    @Description("An init is forked, with namespaces, ids and control groups")
    static final class ContainerCreate extends OfContainer {}

    @Name("io.cloister.ContainerConfigure")
    @Label("Container Configure")
    @Description("A container gets its file system, until it is ready or has failed")
    static final class ContainerConfigure extends OfContainer {
        @Label("Status")
        String status = "";
    }

    @Name("io.cloister.ContainerRetire")
    @Label("Container Retire")
    @Description("A container is ended, until the kernel says that it is gone")
    static final class ContainerRetire extends OfContainer {
        @Label("Reason")
        String reason = "";

        @Label("Leases")
        @Description("How many there were")
        int leases;
    }
}
