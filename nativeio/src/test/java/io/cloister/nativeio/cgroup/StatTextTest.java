// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StatTextTest {
    private static final String EVENTS =
            "low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\noom_group_kill 0\n";

    @Test
    void shouldFindAValueByItsWholeKey() throws Exception {
        assertThat(StatText.value(EVENTS, "oom", "memory.events")).isEqualTo(2);
        assertThat(StatText.value(EVENTS, "oom_kill", "memory.events")).isEqualTo(1);
        assertThat(StatText.value("oom_kill_disable 0\nunder_oom 0\noom_kill 3", "oom_kill", "f"))
                .isEqualTo(3);
        assertThat(StatText.value("usage_usec 1\nuser_usec 2\n", "user_usec", "f")).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "oom_killer 1\n", "oom_kill\n", "x oom_kill 1\n", "oom_kill=1\n"})
    void shouldNotTakeAMissingValueForZero(String text) {
        assertThatThrownBy(() -> StatText.value(text, "oom_kill", "/g/memory.events"))
                .isInstanceOf(IOException.class)
                .hasMessage("/g/memory.events has no oom_kill");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\n", "max", "-1", "1 2", "99999999999999999999"})
    void shouldNotTakeOtherTextForANumber(String text) {
        assertThatThrownBy(() -> StatText.number(text, "/g/memory.peak"))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith("/g/memory.peak has no number");
    }

    @Test
    void shouldReadANumber() throws Exception {
        assertThat(StatText.number("9223372036854771712\n", "f")).isEqualTo(9223372036854771712L);
    }
}
