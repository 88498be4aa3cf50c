// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.observe;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.slf4j.MDC;

class LogIdsTest {
    @Test
    void shouldPutWhatThereIsForAsLongAsItIsOpen() {
        try (LogIds ids = LogIds.of(new RunIds("tenant/1", 2), 300)) {
            assertThat(MDC.get("run")).isEqualTo("tenant/1");
            assertThat(MDC.get("attempt")).isEqualTo("2");
            assertThat(MDC.get("container")).isEqualTo("300");
        }
        assertThat(MDC.getCopyOfContextMap()).isNullOrEmpty();
    }

    @Test
    void shouldLeaveOutWhatThereIsNot() {
        try (LogIds ids = LogIds.of(RunIds.of("1"))) {
            assertThat(MDC.getCopyOfContextMap()).containsOnlyKeys("run");
        }
        try (LogIds ids = LogIds.of(300)) {
            assertThat(MDC.getCopyOfContextMap()).containsOnlyKeys("container");
        }
    }
}
