// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.nativeio.cgroup.CgroupSettings.Mode;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CgroupLimitsTest {
    private static CgroupLimits limits(long memory, int processes, int millis, String cpus) {
        return new CgroupLimits(
                OptionalLong.of(memory),
                OptionalInt.of(processes),
                OptionalInt.of(millis),
                Optional.of(cpus));
    }

    @Test
    void shouldTakeLimitsWithinTheirBounds() {
        assertThat(limits(1, 1, 10, "0").memoryBytes()).hasValue(1);
        assertThat(limits(Long.MAX_VALUE, 4194303, Integer.MAX_VALUE, "0-3,7,9-10").cpuSet())
                .hasValue("0-3,7,9-10");
    }

    @Test
    void shouldRefuseLimitsBeyondTheirBounds() {
        assertThatThrownBy(() -> limits(0, 1, 10, "0")).hasMessageContaining("memory");
        assertThatThrownBy(() -> limits(1, 0, 10, "0")).hasMessageContaining("processes");
        assertThatThrownBy(() -> limits(1, 4194304, 10, "0")).hasMessageContaining("processes");
        assertThatThrownBy(() -> limits(1, 1, 9, "0")).hasMessageContaining("CPU rate");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "all", "1-", "-1", "1,,2", "0\n", "0-3:1/2", "1 2"})
    void shouldRefuseWhatIsNoListOfCpus(String list) {
        assertThatThrownBy(() -> limits(1, 1, 10, list)).hasMessageContaining("list of CPUs");
    }

    @Test
    void shouldRefuseARootThatCannotBeUsed() {
        assertThatThrownBy(() -> new CgroupSettings(Mode.V2, Optional.of(Path.of("judge"))))
                .hasMessageContaining("absolute");
        assertThatThrownBy(() -> new CgroupSettings(Mode.V1, Optional.of(Path.of("/judge"))))
                .hasMessageContaining("version 2");
    }
}
