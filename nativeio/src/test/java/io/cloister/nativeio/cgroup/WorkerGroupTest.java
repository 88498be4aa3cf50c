// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class WorkerGroupTest {
    @Test
    void shouldReadTheStartTimeWhateverTheProcessIsCalled() throws Exception {
        String rest = " S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 33 0 1260281 11534336 512 0\n";
        assertThat(WorkerGroup.startTime("42 (java)" + rest)).isEqualTo(1260281);
        assertThat(WorkerGroup.startTime("42 (a) S 9 9 (b)" + rest)).isEqualTo(1260281);
        assertThatThrownBy(() -> WorkerGroup.startTime("42 (java) S 1\n"))
                .isInstanceOf(IOException.class);
    }

    @Test
    void shouldNameEachWorkerDifferently() throws Exception {
        assertThat(WorkerGroup.newName())
                .matches("cloister-\\d+-" + ProcessHandle.current().pid() + "-\\d+-\\d+")
                .isNotEqualTo(WorkerGroup.newName());
    }
}
