// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class HierarchiesTest {
    private static final String ROOT_FS =
            "28 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n";

    /** systemd on a current distribution. */
    private static final String V2_ONLY =
            ROOT_FS
                    + "35 24 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 -"
                    + " cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n";

    /** systemd.unified_cgroup_hierarchy=0, with cpu and cpuacct in one. */
    private static final String HYBRID =
            ROOT_FS
                    + "31 23 0:27 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755\n"
                    + "32 31 0:28 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw\n"
                    + "33 31 0:29 / /sys/fs/cgroup/systemd rw,nosuid shared:11 - cgroup cgroup"
                    + " rw,xattr,name=systemd\n"
                    + "36 31 0:32 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:15 - cgroup cgroup"
                    + " rw,cpu,cpuacct\n"
                    + "37 31 0:33 / /sys/fs/cgroup/memory rw,nosuid shared:16 - cgroup cgroup"
                    + " rw,memory\n"
                    + "38 31 0:34 / /sys/fs/cgroup/pids rw,nosuid shared:17 - cgroup cgroup rw,pids\n";

    private static final String HYBRID_GROUPS =
            """
            12:pids:/user.slice/user-1000.slice/session-2.scope
            5:memory:/user.slice/user-1000.slice/session-2.scope
            4:cpu,cpuacct:/
            1:name=systemd:/user.slice/user-1000.slice/session-2.scope
            0::/user.slice/user-1000.slice/session-2.scope
            """;

    @Test
    void shouldFindTheOwnGroupOfVersion2() throws Exception {
        Hierarchies found = Hierarchies.parse(V2_ONLY, "0::/system.slice/judge.service\n");

        assertThat(found.v2())
                .isEqualTo(
                        new Hierarchies.Own(
                                Path.of("/sys/fs/cgroup/system.slice/judge.service"),
                                Path.of("/sys/fs/cgroup"),
                                "/system.slice/judge.service",
                                false));
        assertThatThrownBy(() -> found.v1("memory"))
                .isInstanceOf(IOException.class)
                .hasMessage("the cgroup v1 controller memory is not mounted");
    }

    @Test
    void shouldFindGroupsOfVersion1BesideVersion2() throws Exception {
        Hierarchies found = Hierarchies.parse(HYBRID, HYBRID_GROUPS);

        assertThat(found.v1("memory").directory())
                .isEqualTo(
                        Path.of(
                                "/sys/fs/cgroup/memory/user.slice/user-1000.slice/session-2.scope"));
        assertThat(found.v1("cpu")).isEqualTo(found.v1("cpuacct"));
        assertThat(found.v1("cpu").directory()).isEqualTo(Path.of("/sys/fs/cgroup/cpu,cpuacct"));
        assertThat(found.v2().mountPoint()).isEqualTo(Path.of("/sys/fs/cgroup/unified"));
        assertThatThrownBy(() -> found.v1("cpuset")).isInstanceOf(IOException.class);
    }

    @Test
    void shouldFindTheGroupInAContainerWithoutACgroupNamespace() throws Exception {
        String container =
                ROOT_FS
                        + "700 690 0:33 /docker/0f3c /sys/fs/cgroup/memory ro,nosuid master:16 -"
                        + " cgroup cgroup rw,memory\n"
                        + "701 690 0:34 /docker/0f3c /sys/fs/cgroup/pids rw,nosuid master:17 -"
                        + " cgroup cgroup rw,pids\n";
        Hierarchies found =
                Hierarchies.parse(container, "5:memory:/docker/0f3c\n12:pids:/docker/0f3c/judge\n");

        assertThat(found.v1("memory").directory()).isEqualTo(Path.of("/sys/fs/cgroup/memory"));
        assertThat(found.v1("memory").readOnly()).isTrue();
        assertThat(found.v1("pids").directory()).isEqualTo(Path.of("/sys/fs/cgroup/pids/judge"));
        assertThat(found.v1("pids").readOnly()).isFalse();
    }

    @Test
    void shouldFindTheGroupInAContainerWithACgroupNamespace() throws Exception {
        String container =
                "702 690 0:30 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup"
                        + " rw,nsdelegate\n";
        Hierarchies.Own own = Hierarchies.parse(container, "0::/\n").v2();

        assertThat(own.directory()).isEqualTo(Path.of("/sys/fs/cgroup"));
        assertThat(own.readOnly()).isTrue();
    }

    @Test
    void shouldPreferAMountThatCanBeWrittenTo() throws Exception {
        String twice =
                """
                41 31 0:33 / /container/memory ro - cgroup cgroup rw,memory
                42 31 0:33 / /mnt/memory\\040groups rw - cgroup cgroup rw,memory
                """;

        assertThat(Hierarchies.parse(twice, "5:memory:/a\n").v1("memory").directory())
                .isEqualTo(Path.of("/mnt/memory groups/a"));
    }

    @Test
    void shouldSayWhenNoMountShowsTheGroup() {
        for (String path : new String[] {"/../other", "/..", "/dockerfile", "/"}) {
            Hierarchies found =
                    Hierarchies.parse(
                            "700 690 0:33 /docker /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
                            "5:memory:" + path + "\n");
            assertThatThrownBy(() -> found.v1("memory"))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("does not show this process's group " + path);
        }
    }

    @Test
    void shouldPassOverLinesThatItDoesNotKnow() {
        assertThat(Hierarchies.parse("\nnonsense\n1 2 3 - cgroup\n", "nonsense\n\n").mounts())
                .isEmpty();
    }

    @Test
    void shouldUseNoneWhereThereAreNone() throws Exception {
        Hierarchies nothing = Hierarchies.parse(ROOT_FS, "");

        Cgroups none = Detection.detect(CgroupSettings.AUTO, nothing);

        assertThat(none.version()).isEqualTo(CgroupVersion.NONE);
        assertThat(none.controllers()).isEmpty();
        assertThat(none.whyNot(CgroupController.MEMORY))
                .contains("cgroup v2 is not mounted")
                .contains("memory is not mounted");
        CgroupFigures figures = none.create("one").begin(CgroupLimits.NONE).end();
        assertThat(figures.memoryPeakBytes()).isEmpty();
        for (CgroupSettings.Mode mode :
                new CgroupSettings.Mode[] {CgroupSettings.Mode.V1, CgroupSettings.Mode.V2}) {
            assertThatThrownBy(() ->
                            Detection.detect(new CgroupSettings(mode, Optional.empty()), nothing))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("not mounted");
        }
    }
}
