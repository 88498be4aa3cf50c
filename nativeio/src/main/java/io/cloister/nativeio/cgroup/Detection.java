// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import java.io.IOException;

/** Which version is used. */
final class Detection {
    private Detection() {}

    static Cgroups detect(CgroupSettings settings, Hierarchies hierarchies) throws IOException {
        return switch (settings.mode()) {
            case NONE -> new NoCgroups("cloister.cgroups.mode is NONE");
            case V2 -> V2Cgroups.open(hierarchies, settings.root());
            case V1 -> V1Cgroups.open(hierarchies);
            case AUTO -> best(settings, hierarchies);
        };
    }

    private static Cgroups best(CgroupSettings settings, Hierarchies hierarchies) {
        try {
            return V2Cgroups.open(hierarchies, settings.root());
        } catch (IOException whyNotV2) {
            try {
                return V1Cgroups.open(hierarchies);
            } catch (IOException whyNotV1) {
                return new NoCgroups(
                        "version 2: %s; version 1: %s"
                                .formatted(whyNotV2.getMessage(), whyNotV1.getMessage()));
            }
        }
    }
}
