// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.unit.ByteSize;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ServiceSettingsTest {
    private static ServiceSettings with(String settings) {
        return ServiceSettings.from(
                ConfigFactory.parseString(settings)
                        .withFallback(ConfigFactory.defaultReferenceUnresolved())
                        .resolve());
    }

    private static Profile profile(ServiceSettings settings, String name) {
        return settings.profiles().stream()
                .filter(profile -> profile.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static void assertRefused(String settings, String... parts) {
        assertThatThrownBy(() -> with(settings))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll(parts);
    }

    @Test
    void shouldAdmitNobodyElseByDefault() {
        ServiceSettings settings = with("");
        assertThat(settings.users()).isEmpty();
        assertThat(settings.groups()).isEmpty();
        assertThat(settings.mode()).isEqualTo(0660);
        assertThat(settings.path()).isEqualTo(Path.of("/run/cloister/service.sock"));
        assertThat(settings.profiles()).extracting(Profile::name).containsExactly("standard");
        Policy policy = settings.profiles().getFirst().policy();
        assertThat(policy.seccomp()).containsExactlyInAnyOrder("default", "strict");
        assertThat(policy.ceilings().allowLess()).isFalse();
    }

    @Test
    void shouldKnowUsersAndGroupsByNameAndNumber() {
        ServiceSettings settings =
                with(
                        """
                        cloister.service {
                          peers { users = [ root, 4711 ], groups = [ root, "815" ] }
                          socket { user = root, group = "7" }
                        }
                        """);
        assertThat(settings.users()).containsExactlyInAnyOrder(0, 4711);
        assertThat(settings.groups()).containsExactlyInAnyOrder(0, 815);
        assertThat(settings.owner()).hasValue(0);
        assertThat(settings.group()).hasValue(7);
        assertRefused(
                "cloister.service.peers.users = [ no-such-user ]", "peers.users", "no-such-user");
        assertRefused("cloister.service.socket.group = -x", "socket.group", "-x");
    }

    @Test
    void shouldLayAProfileOverTheDefaultsOfAll() {
        ServiceSettings settings =
                with(
                        """
                        cloister.containers.max = 9
                        cloister.service.profile-defaults.limits { memory = 1GiB, cpu-time = 5s }
                        cloister.service.profiles {
                          standard.limits.processes = null
                          big = ${cloister.service.profile-defaults} {
                            settings.containers { max = 3, warm = 1 }
                            limits { memory = 2GiB, cpu-rate = 1500, disk-files = 10 }
                            allow-less = true
                            seccomp = [ none ]
                            mounts = [
                              { source = "/opt/a" }
                              { source = "/opt/b", target = "/b", optional = true }
                            ]
                            without-mounts = [ "/tmp" ]
                            environment { LANG = de, N = 1 }
                          }
                        }
                        """);
        Profile standard = profile(settings, "standard");
        assertThat(standard.settings().maxContainers()).isEqualTo(9);
        assertThat(standard.policy().ceilings())
                .isEqualTo(
                        Limits.builder()
                                .wallTime(Duration.ofHours(1))
                                .cpuTime(Duration.ofSeconds(5))
                                .memory(ByteSize.ofGiB(1))
                                .build());
        Profile big = profile(settings, "big");
        assertThat(big.settings().maxContainers()).isEqualTo(3);
        assertThat(big.policy().ceilings())
                .isEqualTo(
                        Limits.builder()
                                .wallTime(Duration.ofHours(1))
                                .cpuTime(Duration.ofSeconds(5))
                                .memory(ByteSize.ofGiB(2))
                                .processes(32768)
                                .cpuRate(1500)
                                .diskFiles(10)
                                .allowLess(true)
                                .build());
        assertThat(big.policy().seccomp()).containsExactly("none");
        assertThat(big.settings().standard().mounts())
                .contains(
                        Mount.Bind.readOnly("/opt/a", "/opt/a"),
                        Mount.Bind.readOnly("/opt/b", "/b").asOptional())
                .noneMatch(mount -> mount.target().equals("/tmp"));
        assertThat(big.settings().standard().defaultEnvironment()).contains("LANG=de", "N=1");
    }

    @Test
    void shouldMakeContainersItselfWhateverTheTransportOfWorkers() {
        ServiceSettings settings = with("cloister.transport = socket");
        assertThat(settings.profiles().getFirst().settings().socket()).isEmpty();
    }

    @Test
    void shouldNameWhatIsOutOfBounds() {
        assertRefused("cloister.service.socket.mode = rw", "socket.mode", "0660");
        assertRefused("cloister.service.socket.mode = \"1777\"", "socket.mode");
        assertRefused("cloister.service.socket.backlog = 0", "socket.backlog");
        assertRefused("cloister.service.quota.containers = 0", "quota.containers");
        assertRefused("cloister.service.quota.descriptors = -1", "quota.descriptors");
        assertRefused("cloister.service.quota.calls = 1025", "quota.calls", "1024");
        assertRefused("cloister.service.profiles { standard = null }", "profiles");
        assertRefused(
                "cloister.service.profiles { Big = ${cloister.service.profile-defaults} }", "Big");
        assertRefused(
                "cloister.service.profiles.standard.limits.processes = 0",
                "profiles.standard",
                "process limit");
        assertRefused(
                "cloister.service.profiles.standard.limits.memory = null",
                "profiles.standard.limits.memory",
                "quota.memory");
        assertThat(
                        with("""
                        cloister.service {
                          profiles.standard.limits.memory = null
                          quota.memory = null
                        }
                        """)
                                .quota()
                                .memory())
                .isEmpty();
    }
}
