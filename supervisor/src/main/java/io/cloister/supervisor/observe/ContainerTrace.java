// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.observe;

import org.jspecify.annotations.Nullable;

/** The flight recorder's events of one container; at most one is under way at a time. */
public final class ContainerTrace {
    private static final String DONE = "DONE";
    private static final String FAILED = "FAILED";

    private int container;
    private Events.@Nullable ContainerCreate create;
    private Events.@Nullable ContainerConfigure configure;
    private Events.@Nullable Reset reset;
    private Events.@Nullable ContainerRetire retire;

    /** Its init is to be forked. */
    public void creating() {
        Events.ContainerCreate event = new Events.ContainerCreate();
        if (event.isEnabled()) {
            event.begin();
            create = event;
        }
    }

    /**
     * Its init was forked, and is to be configured.
     *
     * @param init its number on the host
     */
    public void created(int init) {
        container = init;
        if (create != null) {
            create.container = init;
            create.commit();
            create = null;
        }
        Events.ContainerConfigure event = new Events.ContainerConfigure();
        if (event.isEnabled()) {
            event.container = init;
            event.begin();
            configure = event;
        }
    }

    /** It is ready, or never will be. */
    public void configured(boolean ready) {
        if (configure != null) {
            configure.status = ready ? DONE : FAILED;
            configure.commit();
            configure = null;
        }
    }

    /** It is to be reset, after this lease. */
    public void resetting(long lease) {
        Events.Reset event = new Events.Reset();
        if (event.isEnabled()) {
            event.container = container;
            event.lease = lease;
            event.begin();
            reset = event;
        }
    }

    /** It is clean, or will be destroyed. */
    public void reset(boolean clean) {
        if (reset != null) {
            reset.status = clean ? DONE : FAILED;
            reset.commit();
            reset = null;
        }
    }

    /** It is to be ended. */
    public void retiring() {
        Events.ContainerRetire event = new Events.ContainerRetire();
        if (event.isEnabled()) {
            event.begin();
            retire = event;
        }
    }

    /**
     * Nothing is left of it.
     *
     * @param leases how many there were
     */
    public void retired(Retirement reason, int leases) {
        Events.ContainerRetire event = retire != null ? retire : new Events.ContainerRetire();
        event.container = container;
        event.reason = reason.name();
        event.leases = leases;
        event.commit();
        retire = null;
    }
}
