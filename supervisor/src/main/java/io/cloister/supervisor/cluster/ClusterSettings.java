// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import static io.cloister.supervisor.SettingCheck.require;

import com.typesafe.config.Config;
import java.time.Duration;
import java.util.Set;

/**
 * The settings under {@code cloister.cluster} in reference.conf, which says what each means.
 *
 * @param slots 0 for as many as there may be containers
 */
public record ClusterSettings(
        String workerRole,
        String queueRole,
        QueueSettings queue,
        Duration clientResend,
        int slots,
        Set<String> tags,
        Duration drainTimeout,
        Duration checkBackoff,
        Duration workerResend,
        Duration workerRetention,
        Duration filesTimeout) {
    public ClusterSettings {
        require(
                slots >= 0 && slots <= Capabilities.MAX_SLOTS,
                "cloister.cluster.worker.slots must be in 0.." + Capabilities.MAX_SLOTS);
        tags = Terms.checkedTags(tags);
        require(clientResend.isPositive(), "cloister.cluster.client.resend must be positive");
        require(
                checkBackoff.isPositive(),
                "cloister.cluster.worker.check-backoff must be positive");
        require(workerResend.isPositive(), "cloister.cluster.worker.resend must be positive");
        require(workerRetention.isPositive(), "cloister.cluster.worker.retention must be positive");
        require(filesTimeout.isPositive(), "cloister.cluster.files.timeout must be positive");
    }

    /**
     * Reads them.
     *
     * @throws com.typesafe.config.ConfigException naming a setting that is missing or of a wrong
     *     type
     * @throws IllegalArgumentException naming one that is out of bounds
     */
    public static ClusterSettings from(Config root) {
        Config cluster = root.getConfig("cloister.cluster");
        Config worker = cluster.getConfig("worker");
        return new ClusterSettings(
                cluster.getString("worker-role"),
                cluster.getString("queue-role"),
                QueueSettings.from(cluster.getConfig("queue")),
                cluster.getDuration("client.resend"),
                worker.getInt("slots"),
                Set.copyOf(worker.getStringList("tags")),
                worker.getDuration("drain-timeout"),
                worker.getDuration("check-backoff"),
                worker.getDuration("resend"),
                worker.getDuration("retention"),
                cluster.getDuration("files.timeout"));
    }
}
