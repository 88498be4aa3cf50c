// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import static io.cloister.supervisor.SettingCheck.require;

import com.typesafe.config.Config;
import java.time.Duration;

/**
 * The settings under {@code cloister.cluster.queue} in reference.conf, which says what each means.
 *
 * @param maxBytes of the parcels of all runs and results in the queue
 * @param maxLost workers that may be lost with a run before it is given up
 * @param maxFailures attempts that may fail through their workers before the last is the answer
 * @param suspendAfter failures in a row after which a worker has to check itself
 * @param retention of answers that nobody takes
 */
public record QueueSettings(
        int maxRuns,
        long maxBytes,
        int maxLost,
        int maxFailures,
        int suspendAfter,
        Duration retention,
        Duration resend) {
    public QueueSettings {
        require(maxRuns >= 1, "cloister.cluster.queue.max-runs must be at least 1");
        require(
                maxBytes >= Parcel.MAX_INLINE,
                "cloister.cluster.queue.max-bytes must be at least 32KiB");
        require(maxLost >= 1, "cloister.cluster.queue.max-lost must be at least 1");
        require(maxFailures >= 1, "cloister.cluster.queue.max-failures must be at least 1");
        require(suspendAfter >= 1, "cloister.cluster.queue.suspend-after must be at least 1");
        require(retention.isPositive(), "cloister.cluster.queue.retention must be positive");
        require(resend.isPositive(), "cloister.cluster.queue.resend must be positive");
    }

    static QueueSettings from(Config queue) {
        return new QueueSettings(
                queue.getInt("max-runs"),
                queue.getBytes("max-bytes"),
                queue.getInt("max-lost"),
                queue.getInt("max-failures"),
                queue.getInt("suspend-after"),
                queue.getDuration("retention"),
                queue.getDuration("resend"));
    }
}
