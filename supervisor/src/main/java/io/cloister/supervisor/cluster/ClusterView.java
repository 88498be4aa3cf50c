// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.unit.Coded;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The state of the cluster's queue and workers, for people and monitoring.
 *
 * @param queueNode the address of the node that the queue lives on
 * @param waiting runs that no worker has
 * @param running runs that some worker has
 * @param unfetched runs whose clients have not taken the answer
 * @param answered since the queue began
 * @param lostAttempts since then: attempts whose workers were lost
 * @param latency how long runs had waited that were assigned in the last minute, if any were
 * @param workers at most {@link #MAX_WORKERS}
 * @param tenants those with runs waiting or running, by name; at most {@link #MAX_TENANTS}
 */
public record ClusterView(
        String queueNode,
        int waiting,
        int running,
        int unfetched,
        long answered,
        long lostAttempts,
        Optional<Latency> latency,
        List<WorkerView> workers,
        List<TenantView> tenants)
        implements Remote {
    /** Of larger clusters the first ones: all of it has to fit into a message. */
    public static final int MAX_WORKERS = 300;

    public static final int MAX_TENANTS = 500;

    public ClusterView {
        workers = Check.list("workers", workers, MAX_WORKERS);
        tenants = Check.list("tenants", tenants, MAX_TENANTS);
    }

    /** How long runs wait until a worker gets them. */
    public record Latency(Duration median, Duration percentile99) {}

    /** The condition of a worker. */
    public enum Condition implements Coded {
        READY(0),
        /** Offers no slots: drains, or checks itself. */
        CLOSED(1),
        /** Not heard of for a while. */
        UNREACHABLE(2);

        private final int code;

        Condition(int code) {
            this.code = code;
        }

        @Override
        public int code() {
            return code;
        }
    }

    /**
     * A worker.
     *
     * @param used slots
     * @param finished attempts since it came to this queue
     * @param failed those of them that failed through the worker
     */
    public record WorkerView(
            Capabilities capabilities, Condition condition, int used, long finished, long failed) {}

    /** A tenant. */
    public record TenantView(String name, int waiting, int running) {}
}
