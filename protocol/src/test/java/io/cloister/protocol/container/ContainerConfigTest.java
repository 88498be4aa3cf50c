// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.container;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.unit.ByteSize;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 20, unit = TimeUnit.SECONDS)
class ContainerConfigTest {
    private static final ByteSize MIB = ByteSize.ofMiB(1);

    @Test
    void shouldHaveAStandardThatNeedsNothingOfTheHostButDevices() {
        ContainerConfig standard = ContainerConfig.standard();

        assertThat(standard.mounts())
                .filteredOn(Mount.Bind.class::isInstance)
                .allMatch(mount -> mount.target().startsWith("/dev/"));
        assertThat(standard.workDirectory()).isEqualTo("/w");
        assertThat(standard.defaultEnvironment()).anyMatch(entry -> entry.startsWith("PATH="));
        assertThat(standard.maskPaths()).contains(new MaskPath("/proc/kcore"));
        assertThat(standard.mounts()).contains(new Mount.Proc("/proc", true));
    }

    @Test
    void shouldComeBackFromItsBuilderUnchanged() {
        ContainerConfig standard = ContainerConfig.standard();

        assertThat(standard.toBuilder().build()).isEqualTo(standard);
    }

    @Test
    void shouldChangeWhatTheBuilderIsTold() {
        ContainerConfig config =
                ContainerConfig.standard().toBuilder()
                        .withoutMount("/tmp")
                        .mount(Mount.Bind.readOnly("/usr"))
                        .withoutMaskPath("/usr/bin/wall")
                        .environment("HOME", "/")
                        .hostName("judge-1")
                        .initCommand(List.of("/usr/sbin/ip", "link", "set", "lo", "up"))
                        .build();

        assertThat(config.mounts())
                .extracting(Mount::target)
                .contains("/usr")
                .doesNotContain("/tmp");
        assertThat(config.defaultEnvironment()).contains("HOME=/").doesNotContain("HOME=/w");
        assertThat(config.maskPaths()).doesNotContain(new MaskPath("/usr/bin/wall"));
    }

    @Test
    void shouldNotChangeWithTheListsItWasMadeOf() {
        List<String> command = new ArrayList<>(List.of("/bin/true"));
        ContainerConfig config = ContainerConfig.builder().initCommand(command).build();
        command.add("x");

        assertThat(config.initCommand()).containsExactly("/bin/true");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/", "w", "../../x", "/w/..", "/../x", "//", "/w/", "/w\0x"})
    void shouldRefuseTargetsThatAreRelativeOrEscape(String target) {
        assertRefused(() -> Mount.Bind.readOnly("/usr", target));
        assertRefused(() -> Mount.Tmpfs.shared(target, MIB, 10));
        assertRefused(() -> new Mount.Proc(target, true));
        assertRefused(() -> new MaskPath(target));
        assertRefused(() -> new SymbolicLink(target, "/x"));
    }

    @Test
    void shouldRefuseTheSameTargetTwice() {
        assertThatThrownBy(() ->
                        ContainerConfig.builder()
                                .mount(Mount.Bind.readOnly("/usr"))
                                .mount(Mount.Bind.readOnly("/opt", "/usr"))
                                .build())
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("\"/usr\"");
    }

    @Test
    void shouldRefuseAMountThatHidesAnEarlierOne() {
        ContainerConfig.Builder inside =
                ContainerConfig.builder()
                        .mount(Mount.Tmpfs.shared("/a", MIB, 10))
                        .mount(Mount.Tmpfs.shared("/a/b/c", MIB, 10));
        assertThatCode(inside::build).doesNotThrowAnyException();

        ContainerConfig.Builder hiding =
                ContainerConfig.builder()
                        .mount(Mount.Tmpfs.shared("/a/b/c", MIB, 10))
                        .mount(Mount.Tmpfs.shared("/a", MIB, 10));
        assertThatThrownBy(hiding::build)
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("hide");
    }

    @ParameterizedTest
    @CsvSource({
        "/usr/local/x, false",
        "/usr, false",
        "/a, false",
        "/a/b, false",
        "/l, false",
        "/l/x, false",
        "/usr2, true",
        "/a2, true",
        "/x/y/z, true",
    })
    void shouldRefuseLinksThatLieOnInOrAboveAnotherPlace(String link, boolean fine) {
        ContainerConfig.Builder builder =
                ContainerConfig.builder()
                        .mount(Mount.Bind.writable("/usr", "/usr"))
                        .mount(Mount.Tmpfs.shared("/a/b", MIB, 10))
                        .symbolicLink("/l", "/usr")
                        .symbolicLink(link, "/anywhere");

        if (fine) {
            assertThatCode(builder::build).doesNotThrowAnyException();
        } else {
            assertThatThrownBy(builder::build)
                    .isInstanceOf(InvalidRequest.class)
                    .hasMessageContaining(link);
        }
    }

    @Test
    void shouldRefuseTmpfsWithoutBounds() {
        assertRefused(() -> Mount.Tmpfs.shared("/a", ByteSize.ZERO, 10));
        assertRefused(() -> Mount.Tmpfs.shared("/a", ByteSize.ofBytes(4095), 10));
        assertRefused(() -> Mount.Tmpfs.shared("/a", MIB, 0));
        assertRefused(() -> Mount.Tmpfs.shared("/a", MIB, 1L << 31));
        assertRefused(() -> new Mount.Tmpfs("/a", MIB, 10, 010000, 0, 0, false));
        assertRefused(() -> new Mount.Tmpfs("/a", MIB, 10, -1, 0, 0, false));
        assertRefused(() -> new Mount.Tmpfs("/a", MIB, 10, 0755, -1, 0, false));
        assertRefused(() -> new Mount.Tmpfs("/a", MIB, 10, 0755, 0, 65_536, false));
    }

    @Test
    void shouldNeverRunProgramsAsContainerRoot() {
        assertRefused(() -> new Credential(0, 1));
        assertRefused(() -> new Credential(1, 0));
        assertRefused(() -> new Credential(-1, 1));
        assertRefused(() -> new Credential(1, 65_536));
        assertThat(new Credential(65_535, 1).uid()).isEqualTo(65_535);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "a/b", "a\n", "ä", "a\0"})
    void shouldRefuseOddHostNames(String name) {
        assertRefused(() -> ContainerConfig.builder().hostName(name).build());
        assertRefused(() -> ContainerConfig.builder().domainName(name).build());
    }

    @Test
    void shouldBoundNames() {
        assertThat(ContainerConfig.builder().hostName("x".repeat(64)).build().hostName())
                .hasSize(64);
        assertRefused(() -> ContainerConfig.builder().hostName("x".repeat(65)).build());
    }

    @Test
    void shouldRefuseWhatIsTooMuch() {
        ContainerConfig.Builder mounts = ContainerConfig.builder();
        for (int i = 0; i <= ContainerConfig.MAX_MOUNTS; i++) {
            mounts.mount(Mount.Bind.readOnly("/usr", "/" + i));
        }
        assertRefused(mounts::build);
        ContainerConfig.Builder links = ContainerConfig.builder();
        for (int i = 0; i <= ContainerConfig.MAX_SYMBOLIC_LINKS; i++) {
            links.symbolicLink("/" + i, "x");
        }
        assertRefused(links::build);
        ContainerConfig.Builder masks = ContainerConfig.builder();
        for (int i = 0; i <= ContainerConfig.MAX_MASK_PATHS; i++) {
            masks.maskPath("/" + i);
        }
        assertRefused(masks::build);
        assertRefused(() -> ContainerConfig.builder().environment("A", "x".repeat(65_536)).build());
        assertRefused(() ->
                ContainerConfig.builder().initCommand(List.of("/x", "x".repeat(65_536))).build());
        assertRefused(() ->
                ContainerConfig.builder().initCommand(Collections.nCopies(5000, "/x")).build());
    }

    @Test
    void shouldRefuseTheRest() {
        assertRefused(() -> ContainerConfig.builder().workDirectory("w").build());
        assertRefused(() -> ContainerConfig.builder().initCommand(List.of("ip")).build());
        assertRefused(() -> ContainerConfig.builder().environment("", "x").build());
        assertRefused(() -> ContainerConfig.builder().rootSize(ByteSize.ofKiB(1)).build());
        assertRefused(() -> ContainerConfig.builder().maskPath("/a").maskPath("/a").build());
        assertRefused(() -> Mount.Bind.readOnly("usr", "/usr"));
        assertRefused(() -> Mount.Bind.readOnly("/usr/../etc", "/usr"));
        assertRefused(() -> new SymbolicLink("/a", ""));
    }

    private static void assertRefused(Runnable construction) {
        assertThatThrownBy(construction::run).isInstanceOf(InvalidRequest.class);
    }
}
