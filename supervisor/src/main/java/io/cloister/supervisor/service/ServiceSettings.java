// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.service;

import static io.cloister.supervisor.SettingCheck.require;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.CloisterSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * The settings under {@code cloister.service} in reference.conf, which says what each means.
 *
 * @param mode of the socket's file
 * @param users ids of those who may connect, beside the service's own
 * @param groups ids of groups whose members may
 */
public record ServiceSettings(
        Path path,
        int mode,
        OptionalInt owner,
        OptionalInt group,
        int backlog,
        Set<Integer> users,
        Set<Integer> groups,
        Quota quota,
        Duration helloTimeout,
        List<Profile> profiles) {
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,63}");
    private static final int MAX_CALLS = 1024;
    private static final int OCTAL = 8;
    private static final int PERMISSIONS = 0777;

    public ServiceSettings {
        users = Set.copyOf(users);
        groups = Set.copyOf(groups);
        profiles = List.copyOf(profiles);
        require(mode >= 0 && mode <= PERMISSIONS, "cloister.service.socket.mode must be like 0660");
        require(backlog >= 1, "cloister.service.socket.backlog must be at least 1");
        require(quota.containers() >= 1, "cloister.service.quota.containers must be at least 1");
        require(
                quota.descriptors() >= 0,
                "cloister.service.quota.descriptors must not be negative");
        require(
                quota.calls() >= 1 && quota.calls() <= MAX_CALLS,
                "cloister.service.quota.calls must be in 1.." + MAX_CALLS);
        require(!profiles.isEmpty(), "cloister.service.profiles must name at least one");
        for (Profile profile : profiles) {
            require(
                    quota.memory().isEmpty() || profile.policy().ceilings().memory().isPresent(),
                    "cloister.service.profiles.%s.limits.memory must be set, for quota.memory adds up what programs may use, or quota.memory be null"
                            .formatted(profile.name()));
        }
    }

    /**
     * Reads them.
     *
     * @throws ConfigException naming a setting that is missing or of a wrong type
     * @throws IllegalArgumentException naming one that is out of bounds
     */
    public static ServiceSettings from(Config root) {
        Config service = root.getConfig("cloister.service");
        Config socket = service.getConfig("socket");
        Config quota = service.getConfig("quota");
        return new ServiceSettings(
                Path.of(socket.getString("path")),
                mode(socket.getString("mode")),
                account(service, "socket.user", Accounts.USERS),
                account(service, "socket.group", Accounts.GROUPS),
                socket.getInt("backlog"),
                accounts(service, "peers.users", Accounts.USERS),
                accounts(service, "peers.groups", Accounts.GROUPS),
                new Quota(
                        quota.getInt("containers"),
                        quota.hasPath("memory")
                                ? Optional.of(ByteSize.ofBytes(quota.getBytes("memory")))
                                : Optional.empty(),
                        quota.getInt("descriptors"),
                        quota.getInt("calls")),
                service.getDuration("hello-timeout"),
                profiles(root, service.getConfig("profiles")));
    }

    private static int mode(String octal) {
        try {
            return Integer.parseInt(octal, OCTAL);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "cloister.service.socket.mode must be like 0660, not " + octal, e);
        }
    }

    private static OptionalInt account(Config config, String setting, Accounts accounts) {
        String name = config.getString(setting);
        return name.isEmpty() ? OptionalInt.empty() : OptionalInt.of(id(setting, name, accounts));
    }

    private static Set<Integer> accounts(Config config, String setting, Accounts accounts) {
        Set<Integer> ids = new HashSet<>();
        for (String name : config.getStringList(setting)) {
            ids.add(id(setting, name, accounts));
        }
        return ids;
    }

    private static int id(String setting, String name, Accounts accounts) {
        try {
            return accounts.id(name);
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    "cloister.service.%s: %s".formatted(setting, e.getMessage()), e);
        }
    }

    // ---- profiles ----------------------------------------------------------------------------

    private static List<Profile> profiles(Config root, Config all) {
        List<Profile> profiles = new ArrayList<>();
        for (Map.Entry<String, ConfigValue> each : all.root().entrySet()) {
            String name = each.getKey();
            if (each.getValue().valueType() == ConfigValueType.NULL) {
                continue; // how a file of settings takes one back that another has
            }
            require(
                    NAME.matcher(name).matches(),
                    "cloister.service.profiles.%s: a profile's name is a lower-case letter and up to 63 letters, digits and hyphens"
                            .formatted(name));
            try {
                profiles.add(profile(root, name, all.getConfig(ConfigUtil.joinPath(name))));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "cloister.service.profiles.%s: %s".formatted(name, e.getMessage()), e);
            }
        }
        return profiles;
    }

    private static Profile profile(Config root, String name, Config profile) {
        Config overlay = profile.getConfig("settings").atPath("cloister");
        CloisterSettings common =
                CloisterSettings.from(
                        overlay.withFallback(
                                ConfigFactory.parseMap(Map.of("cloister.transport", "embedded"))
                                        .withFallback(root)));
        ContainerConfig container = container(common.standard().toBuilder(), profile);
        Policy policy =
                new Policy(
                        ceilings(profile.getConfig("limits"), profile.getBoolean("allow-less")),
                        Set.copyOf(profile.getStringList("seccomp")),
                        container.programCredential());
        return new Profile(name, common.withStandard(container), policy);
    }

    private static ContainerConfig container(ContainerConfig.Builder container, Config profile) {
        profile.getStringList("without-mounts").forEach(container::withoutMount);
        for (Config mount : profile.getConfigList("mounts")) {
            String source = mount.getString("source");
            String target = mount.hasPath("target") ? mount.getString("target") : source;
            Mount.Bind bind = Mount.Bind.readOnly(source, target);
            boolean optional = mount.hasPath("optional") && mount.getBoolean("optional");
            container.withoutMount(target).mount(optional ? bind.asOptional() : bind);
        }
        ConfigObject environment = profile.getObject("environment");
        environment.forEach((variable, value) ->
                container.environment(variable, String.valueOf(value.unwrapped())));
        return container.build();
    }

    private static Limits ceilings(Config limits, boolean allowLess) {
        Limits.Builder ceilings = Limits.builder().allowLess(allowLess);
        ceilings.wallTime(limits.getDuration("wall-time"));
        duration(limits, "cpu-time", ceilings::cpuTime);
        size(limits, "memory", ceilings::memory);
        count(limits, "processes", ceilings::processes);
        size(limits, "file-size", ceilings::fileSize);
        size(limits, "stack", ceilings::stack);
        count(limits, "open-files", ceilings::openFiles);
        size(limits, "address-space", ceilings::addressSpace);
        size(limits, "data-segment", ceilings::dataSegment);
        size(limits, "disk-size", ceilings::diskSize);
        count(limits, "disk-files", ceilings::diskFiles);
        count(limits, "cpu-rate", ceilings::cpuRate);
        return ceilings.build();
    }

    private static void duration(Config limits, String name, Consumer<Duration> set) {
        if (limits.hasPath(name)) {
            set.accept(limits.getDuration(name));
        }
    }

    private static void size(Config limits, String name, Consumer<ByteSize> set) {
        if (limits.hasPath(name)) {
            set.accept(ByteSize.ofBytes(limits.getBytes(name)));
        }
    }

    private static void count(Config limits, String name, Consumer<Integer> set) {
        if (limits.hasPath(name)) {
            set.accept(limits.getInt(name));
        }
    }
}
