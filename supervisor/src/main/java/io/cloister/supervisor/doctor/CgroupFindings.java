// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.doctor;

import io.cloister.nativeio.cgroup.CgroupController;
import io.cloister.nativeio.cgroup.CgroupSettings;
import io.cloister.nativeio.cgroup.CgroupVersion;
import io.cloister.nativeio.cgroup.Cgroups;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** What the control groups that a worker would use can do, and what they cannot. */
final class CgroupFindings {
    static final String GROUPS = "cgroups";
    static final String CONTROLLERS = "cgroup controllers";

    private static final String REMEDY =
            "give the worker control groups of its own: under systemd, start it by a unit with"
                    + " Delegate=yes, or by systemd-run --user --scope -p Delegate=yes; in a container,"
                    + " with a writable /sys/fs/cgroup; or as root. docs/limits.md, \"Control groups\","
                    + " shows each";

    private CgroupFindings() {}

    /** Which version is used, and where. */
    static Finding ofGroups(Cgroups cgroups, CgroupSettings.Mode mode) {
        if (cgroups.version() != CgroupVersion.NONE) {
            return Finding.ok(GROUPS, cgroups.describe());
        }
        if (mode == CgroupSettings.Mode.NONE) {
            return Finding.information(GROUPS, cgroups.describe());
        }
        return Finding.warning(
                GROUPS,
                cgroups.describe()
                        + "; so memory and CPU time of a program's processes together are neither"
                        + " limited nor measured",
                REMEDY);
    }

    /** What can be limited and measured. */
    static Finding ofControllers(Cgroups cgroups) {
        if (cgroups.version() == CgroupVersion.NONE) {
            return Finding.notTried(CONTROLLERS, "there are no control groups");
        }
        List<CgroupController> missing =
                Arrays.stream(CgroupController.values())
                        .filter(controller -> !cgroups.controllers().contains(controller))
                        .toList();
        if (missing.isEmpty()) {
            return Finding.ok(
                    CONTROLLERS,
                    "all that Cloister uses: " + names(List.of(CgroupController.values())));
        }
        String reasons =
                missing.stream().map(cgroups::whyNot).distinct().collect(Collectors.joining("; "));
        return Finding.warning(
                CONTROLLERS, "without %s: %s".formatted(names(missing), reasons), REMEDY);
    }

    private static String names(List<CgroupController> controllers) {
        return controllers.stream()
                .map(CgroupController::kernelName)
                .collect(Collectors.joining(", "));
    }
}
