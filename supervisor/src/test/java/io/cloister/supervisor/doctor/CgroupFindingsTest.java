// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.cgroup.CgroupController;
import io.cloister.nativeio.cgroup.CgroupSettings.Mode;
import io.cloister.nativeio.cgroup.CgroupVersion;
import io.cloister.nativeio.cgroup.Cgroups;
import io.cloister.nativeio.cgroup.ContainerCgroup;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CgroupFindingsTest {
    /** A machine where the worker has these controllers. */
    private record Machine(Set<CgroupController> controllers) implements Cgroups {
        @Override
        public CgroupVersion version() {
            return CgroupVersion.V2;
        }

        @Override
        public String whyNot(CgroupController missing) {
            return controllers.contains(missing)
                    ? ""
                    : "/g has no controller " + missing.kernelName();
        }

        @Override
        public String describe() {
            return "cgroup v2 in /g";
        }

        @Override
        public ContainerCgroup create(String name) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
    }

    @Test
    void shouldBeContentWithAllControllers() {
        Cgroups all = new Machine(EnumSet.allOf(CgroupController.class));

        assertThat(CgroupFindings.ofGroups(all, Mode.AUTO))
                .isEqualTo(Finding.ok("cgroups", "cgroup v2 in /g"));
        assertThat(CgroupFindings.ofControllers(all).mark()).isEqualTo(Finding.Mark.OK);
    }

    @Test
    void shouldNameEachControllerThatIsMissingAndTheRemedy() {
        Cgroups some = new Machine(EnumSet.of(CgroupController.CPU_TIME, CgroupController.MEMORY));

        Finding finding = CgroupFindings.ofControllers(some);

        assertThat(finding.mark()).isEqualTo(Finding.Mark.WARNING);
        assertThat(finding.detail())
                .startsWith("without pids, cpu, cpuset: /g has no controller pids; ")
                .endsWith("/g has no controller cpuset");
        assertThat(finding.remedy()).contains("Delegate=yes").contains("docs/limits.md");
    }

    @Test
    void shouldWarnWhereThereAreNone() {
        Cgroups none = Cgroups.none("cgroup v2 is not mounted");

        Finding finding = CgroupFindings.ofGroups(none, Mode.AUTO);

        assertThat(finding.mark()).isEqualTo(Finding.Mark.WARNING);
        assertThat(finding.detail()).contains("cgroup v2 is not mounted");
        assertThat(finding.remedy()).contains("Delegate=yes");
        assertThat(CgroupFindings.ofControllers(none).mark()).isEqualTo(Finding.Mark.NOT_TRIED);
    }

    @Test
    void shouldNotWarnOfWhatTheSettingsAskFor() {
        Finding finding =
                CgroupFindings.ofGroups(Cgroups.none("cloister.cgroups.mode is NONE"), Mode.NONE);

        assertThat(finding.mark()).isEqualTo(Finding.Mark.INFORMATION);
        assertThat(finding.remedy()).isEmpty();
    }
}
