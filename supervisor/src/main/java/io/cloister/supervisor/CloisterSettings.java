// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor;

import static io.cloister.supervisor.SettingCheck.require;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigUtil;
import io.cloister.nativeio.cgroup.CgroupSettings;
import io.cloister.nativeio.landlock.Landlock;
import io.cloister.nativeio.seccomp.SeccompPolicy;
import io.cloister.nativeio.seccomp.SeccompProfiles;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.io.HostFiles;
import io.cloister.supervisor.pool.UidRanges;
import io.cloister.supervisor.seccomp.InvalidProfile;
import io.cloister.supervisor.seccomp.OciSeccomp;
import io.cloister.supervisor.socket.SocketSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The settings under {@code cloister} in reference.conf, which says what each means.
 *
 * @param standard the configuration of pooled containers
 * @param hostFiles those that runs may read
 * @param seccompProfiles beside those that come with Cloister, by the names in requests
 * @param landlock what programs are confined by, beside their filters
 * @param socket of the service whose containers are used; absent for containers of this process
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
        List<Integer> exclusiveCores,
        UidRanges.Block uidRanges,
        CgroupSettings cgroups,
        FileStore.Settings store,
        HostFiles hostFiles,
        Duration idleCheckInterval,
        Duration idleTime,
        Map<String, SeccompPolicy> seccompProfiles,
        Landlock landlock,
        Optional<SocketSettings> socket) {

    private static final Pattern PROFILE_NAME = Pattern.compile("[a-z][a-z0-9-]{0,63}");

    public CloisterSettings {
        seccompProfiles = Map.copyOf(seccompProfiles);
        require(maxContainers >= 1, "cloister.containers.max must be at least 1");
        require(
                warmContainers >= 0 && warmContainers <= maxContainers,
                "cloister.containers.warm must be in 0..containers.max");
        require(queue >= 0, "cloister.containers.queue must not be negative");
        require(maxUses >= 1, "cloister.containers.max-uses must be at least 1");
        require(containerQueue >= 0, "cloister.container.queue must not be negative");
        exclusiveCores = List.copyOf(exclusiveCores);
        require(
                exclusiveCores.isEmpty() || exclusiveCores.size() >= maxContainers,
                "cloister.containers.exclusive-cores must be none, or at least containers.max");
        require(
                exclusiveCores.size() == Set.copyOf(exclusiveCores).size(),
                "cloister.containers.exclusive-cores names a core twice");
        require(
                uidRanges.count() >= maxContainers,
                "cloister.uid-ranges.count must be at least containers.max");
        require(
                socket.isEmpty() || standard.equals(HostMounts.standardConfig()),
                "cloister.transport is socket: how containers are made is the service's to say, by"
                        + " its profiles, so that no other configuration can be had");
        require(
                socket.isEmpty() || exclusiveCores.isEmpty(),
                "cloister.containers.exclusive-cores are the service's to give when transport is"
                        + " socket");
    }

    private static final String EXECUTOR =
            "io.cloister.supervisor.container.WakefulExecutor$Configurator";

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
        Config dispatcher = cloister.getConfig("container-dispatcher");
        require(
                dispatcher.getString("type").equals("Dispatcher")
                        && dispatcher.getString("executor").equals(EXECUTOR),
                "cloister.container-dispatcher must be a Dispatcher with the executor "
                        + EXECUTOR
                        + ", which listens to the inits: leave type and executor as they are");
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
                containers.getIntList("exclusive-cores"),
                new UidRanges.Block(
                        ids.getInt("start"),
                        ids.getInt("count"),
                        Path.of(ids.getString("lock-file"))),
                cgroups(cloister.getConfig("cgroups")),
                store(cloister.getConfig("store")),
                new HostFiles(cloister.getStringList("run.host-files")),
                cloister.getDuration("run.idle-check-interval"),
                cloister.getDuration("run.idle-time"),
                seccompProfiles(cloister.getConfig("seccomp.profiles")),
                landlock(cloister.getString("landlock")),
                socket(cloister));
    }

    private static Optional<SocketSettings> socket(Config cloister) {
        String transport = cloister.getString("transport");
        require(
                transport.equals("embedded") || transport.equals("socket"),
                "cloister.transport must be embedded or socket, not " + transport);
        Config socket = cloister.getConfig("socket");
        return transport.equals("embedded")
                ? Optional.empty()
                : Optional.of(
                        new SocketSettings(
                                Path.of(socket.getString("path")),
                                socket.getString("profile"),
                                socket.getDuration("timeout")));
    }

    private static Landlock landlock(String wanted) {
        Landlock found = Landlock.detect();
        return switch (wanted) {
            case "auto" -> found;
            case "off" -> Landlock.none();
            case "require" -> {
                require(
                        found.isUsable(),
                        "cloister.landlock = require: this kernel has no Landlock of version 2"
                                + " (Linux 5.19); boot one with landlock in its lsm= list, or set"
                                + " it to auto");
                yield found;
            }
            default ->
                    throw new IllegalArgumentException(
                            "cloister.landlock must be auto, off or require, not " + wanted);
        };
    }

    private static FileStore.Settings store(Config store) {
        return new FileStore.Settings(
                ByteSize.ofBytes(store.getBytes("max-size")),
                ByteSize.ofBytes(store.getBytes("max-file-size")),
                store.getInt("max-files"),
                store.getDuration("time-to-live"));
    }

    private static Map<String, SeccompPolicy> seccompProfiles(Config files) {
        Map<String, SeccompPolicy> profiles = new TreeMap<>();
        for (String name : files.root().keySet()) {
            String setting = "cloister.seccomp.profiles." + name;
            require(
                    PROFILE_NAME.matcher(name).matches() && SeccompProfiles.find(name).isEmpty(),
                    setting
                            + ": a profile's name is a lower-case letter and up to 63 letters,"
                            + " digits and hyphens, and none of those that are built in");
            Path file = Path.of(files.getString(ConfigUtil.joinPath(name)));
            try {
                profiles.put(name, OciSeccomp.read(name, file));
            } catch (IOException e) {
                String reason = e instanceof InvalidProfile ? e.getMessage() : e.toString();
                throw new IllegalArgumentException(setting + ": " + reason, e);
            }
        }
        return profiles;
    }

    private static CgroupSettings cgroups(Config cgroups) {
        String root = cgroups.getString("root");
        return new CgroupSettings(
                cgroups.getEnum(CgroupSettings.Mode.class, "mode"),
                root.isEmpty() ? Optional.empty() : Optional.of(Path.of(root)));
    }

    /** The same with another configuration of pooled containers. */
    public CloisterSettings withStandard(ContainerConfig config) {
        return with(config, seccompProfiles);
    }

    /** The same with one more seccomp profile, which takes the place of one of its name. */
    public CloisterSettings withSeccompProfile(SeccompPolicy profile) {
        Map<String, SeccompPolicy> profiles = new TreeMap<>(seccompProfiles);
        profiles.put(profile.name(), profile);
        return with(standard, profiles);
    }

    private CloisterSettings with(ContainerConfig config, Map<String, SeccompPolicy> profiles) {
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
                exclusiveCores,
                uidRanges,
                cgroups,
                store,
                hostFiles,
                idleCheckInterval,
                idleTime,
                profiles,
                landlock,
                socket);
    }
}
