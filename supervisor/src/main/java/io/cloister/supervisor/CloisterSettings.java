// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor;

import com.typesafe.config.Config;
import io.cloister.nativeio.cgroup.CgroupSettings;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.io.HostFiles;
import io.cloister.supervisor.pool.UidRanges;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * The settings under {@code cloister} in reference.conf, which says what each means.
 *
 * @param standard the configuration of pooled containers
 * @param hostFiles those that runs may read
 */
public record CloisterSettings(
        ContainerConfig standard,
        int maxContainers,
        int warmContainers,
        int queue,
        Duration acquireTimeout,
        int maxUses,
        Duration maxAge,
        Duration minBackoff,
        Duration maxBackoff,
        Duration drainTimeout,
        Duration deadline,
        Duration grace,
        Duration configureDeadline,
        int containerQueue,
        UidRanges.Block uidRanges,
        CgroupSettings cgroups,
        FileStore.Settings store,
        HostFiles hostFiles) {

    public CloisterSettings {
        require(maxContainers >= 1, "containers.max must be at least 1");
        require(
                warmContainers >= 0 && warmContainers <= maxContainers,
                "containers.warm must be in 0..containers.max");
        require(queue >= 0, "containers.queue must not be negative");
        require(maxUses >= 1, "containers.max-uses must be at least 1");
        require(containerQueue >= 0, "container.queue must not be negative");
        require(
                uidRanges.count() >= maxContainers,
                "uid-ranges.count must be at least containers.max");
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new IllegalArgumentException("cloister." + what);
        }
    }

    /**
     * Reads them, with this host's standard container.
     *
     * @throws com.typesafe.config.ConfigException naming a setting that is missing or of a wrong
     *     type
     * @throws IllegalArgumentException naming one that is out of bounds
     */
    public static CloisterSettings from(Config root) {
        Config cloister = root.getConfig("cloister");
        Config containers = cloister.getConfig("containers");
        Config container = cloister.getConfig("container");
        Config ids = cloister.getConfig("uid-ranges");
        return new CloisterSettings(
                HostMounts.standardConfig(),
                containers.getInt("max"),
                containers.getInt("warm"),
                containers.getInt("queue"),
                containers.getDuration("acquire-timeout"),
                containers.getInt("max-uses"),
                containers.getDuration("max-age"),
                containers.getDuration("min-backoff"),
                containers.getDuration("max-backoff"),
                containers.getDuration("drain-timeout"),
                container.getDuration("deadline"),
                container.getDuration("grace"),
                container.getDuration("configure-deadline"),
                container.getInt("queue"),
                new UidRanges.Block(
                        ids.getInt("start"),
                        ids.getInt("count"),
                        Path.of(ids.getString("lock-file"))),
                cgroups(cloister.getConfig("cgroups")),
                store(cloister.getConfig("store")),
                new HostFiles(cloister.getStringList("run.host-files")));
    }

    private static FileStore.Settings store(Config store) {
        return new FileStore.Settings(
                ByteSize.ofBytes(store.getBytes("max-size")),
                ByteSize.ofBytes(store.getBytes("max-file-size")),
                store.getInt("max-files"),
                store.getDuration("time-to-live"));
    }

    private static CgroupSettings cgroups(Config cgroups) {
        String root = cgroups.getString("root");
        return new CgroupSettings(
                cgroups.getEnum(CgroupSettings.Mode.class, "mode"),
                root.isEmpty() ? Optional.empty() : Optional.of(Path.of(root)));
    }

    /** The same with another configuration of pooled containers. */
    public CloisterSettings withStandard(ContainerConfig config) {
        return new CloisterSettings(
                config,
                maxContainers,
                warmContainers,
                queue,
                acquireTimeout,
                maxUses,
                maxAge,
                minBackoff,
                maxBackoff,
                drainTimeout,
                deadline,
                grace,
                configureDeadline,
                containerQueue,
                uidRanges,
                cgroups,
                store,
                hostFiles);
    }
}
