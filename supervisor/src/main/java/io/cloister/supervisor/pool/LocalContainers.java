// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.pool;

import akka.actor.typed.Behavior;
import io.cloister.nativeio.cgroup.CgroupController;
import io.cloister.nativeio.cgroup.Cgroups;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.message.Failure;
import io.cloister.supervisor.CloisterSettings;
import io.cloister.supervisor.container.ConfPlans;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.seccomp.Profiles;
import java.io.IOException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Containers that this process creates itself. */
final class LocalContainers implements ContainerSource {
    private static final Logger LOG = LoggerFactory.getLogger(LocalContainers.class);

    private final CloisterSettings settings;
    private final UidRanges ranges;
    private final Cgroups cgroups;

    private LocalContainers(CloisterSettings settings, UidRanges ranges, Cgroups cgroups) {
        this.settings = settings;
        this.ranges = ranges;
        this.cgroups = cgroups;
    }

    /**
     * Opens what containers are made of.
     *
     * @throws IllegalStateException when the block of id ranges, or the version of control groups
     *     that the settings ask for, cannot be used
     */
    static LocalContainers open(CloisterSettings settings) {
        UidRanges ranges = openRanges(settings);
        try {
            return new LocalContainers(settings, ranges, detectCgroups(settings));
        } catch (IllegalStateException e) {
            close(ranges);
            throw e;
        }
    }

    private static Cgroups detectCgroups(CloisterSettings settings) {
        try {
            Cgroups cgroups = Cgroups.detect(settings.cgroups());
            if (!settings.exclusiveCores().isEmpty()
                    && !cgroups.controllers().contains(CgroupController.CPUSET)) {
                String reason = cgroups.whyNot(CgroupController.CPUSET);
                cgroups.close();
                throw new IOException("exclusive cores cannot be had: " + reason);
            }
            return cgroups;
        } catch (IOException e) {
            throw new IllegalStateException("cloister.cgroups: " + e.getMessage(), e);
        }
    }

    private static UidRanges openRanges(CloisterSettings settings) {
        try {
            return UidRanges.open(settings.uidRanges());
        } catch (IOException e) {
            throw new IllegalStateException(
                    "cannot open cloister.uid-ranges.lock-file: " + e.getMessage(), e);
        }
    }

    @Override
    public Behavior<Order> maker() {
        return Spawner.create(
                ranges,
                new Container.Settings(
                        settings.deadline(),
                        settings.grace(),
                        settings.configureDeadline(),
                        settings.containerQueue(),
                        new Profiles(settings.seccompProfiles()),
                        settings.landlock(),
                        cgroups,
                        new ConfPlans()));
    }

    @Override
    public int capacity() {
        return settings.uidRanges().count();
    }

    @Override
    public Optional<Failure> refusal(ContainerConfig config) {
        return Optional.empty();
    }

    @Override
    public String describe() {
        return cgroups.describe();
    }

    @Override
    public void close() {
        close(ranges);
        cgroups.close();
    }

    private static void close(UidRanges ranges) {
        try {
            ranges.close();
        } catch (IOException e) {
            LOG.warn("cannot close the lock file of id ranges", e);
        }
    }
}
