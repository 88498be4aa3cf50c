// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import io.cloister.nativeio.landlock.Landlock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class CloisterSettingsTest {
    @TempDir private Path directory;

    private static CloisterSettings with(String settings) {
        return CloisterSettings.from(
                ConfigFactory.parseString(settings)
                        .withFallback(ConfigFactory.defaultReference())
                        .resolve());
    }

    private Path profile(String json) throws IOException {
        return Files.writeString(directory.resolve("profile.json"), json);
    }

    @Test
    void shouldHaveNoSeccompProfilesOfItsOwnByDefault() {
        assertThat(with("").seccompProfiles()).isEmpty();
    }

    @Test
    void shouldReadSeccompProfilesUnderTheirNames() throws IOException {
        Path file = profile("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}");

        CloisterSettings settings = with("cloister.seccomp.profiles { open-1 = \"" + file + "\" }");

        assertThat(settings.seccompProfiles()).containsOnlyKeys("open-1");
        assertThat(settings.seccompProfiles().get("open-1").id()).isEqualTo("open-1/1");
    }

    @Test
    void shouldNotStartWithAProfileThatCannotBeEnforced() throws IOException {
        Path file = profile("{\"defaultAction\":\"SCMP_ACT_TRACE\"}");

        assertThatThrownBy(() -> with("cloister.seccomp.profiles { bad = \"" + file + "\" }"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cloister.seccomp.profiles.bad")
                .hasMessageContaining(file.toString())
                .hasMessageContaining("SCMP_ACT_TRACE");
    }

    @Test
    void shouldNotStartWithAFileThatIsMissing() {
        assertThatThrownBy(() -> with("cloister.seccomp.profiles { gone = /no/such/file }"))
                .hasMessageContaining("cloister.seccomp.profiles.gone")
                .hasMessageContaining("/no/such/file");
    }

    @Test
    void shouldNotStartOnADispatcherThatDoesNotListenToInits() {
        for (String other :
                new String[] {"executor = thread-pool-executor", "type = PinnedDispatcher"}) {
            assertThatThrownBy(() -> with("cloister.container-dispatcher { " + other + " }"))
                    .as(other)
                    .hasMessageContaining("cloister.container-dispatcher")
                    .hasMessageContaining("leave type and executor as they are");
        }
        with("cloister.container-dispatcher.wakeful = 0s");
    }

    @Test
    void shouldTakeLandlockAsItIsToldTo() {
        assertThat(with("cloister.landlock = off").landlock()).isEqualTo(Landlock.none());
        assertThat(with("").landlock()).isEqualTo(Landlock.detect());
        assertThatThrownBy(() -> with("cloister.landlock = maybe"))
                .hasMessageContaining("auto, off or require, not maybe");
    }

    @Test
    void shouldKeepTheNamesOfBuiltInProfiles() throws IOException {
        Path file = profile("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}");

        for (String name : new String[] {"default", "strict", "none", "\"a b\"", "Upper"}) {
            assertThatThrownBy(() ->
                            with("cloister.seccomp.profiles { " + name + " = \"" + file + "\" }"))
                    .as(name)
                    .hasMessageContaining("built in");
        }
    }
}
