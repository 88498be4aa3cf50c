// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import io.cloister.nativeio.init.IdMap;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.supervisor.handler.ConfPlan;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The plan by which the latest container was configured: the next one's configuration is likely the
 * same. Containers of one supervisor share it.
 */
public final class ConfPlans {
    private final AtomicReference<Optional<ConfPlan>> latest =
            new AtomicReference<>(Optional.empty());

    Optional<ConfPlan> find(ContainerConfig config, IdMap ids) {
        return latest.get().filter(plan -> plan.fits(config, ids));
    }

    void remember(Optional<ConfPlan> plan) {
        latest.set(plan);
    }
}
