// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The other tests stand on these. */
@Tag("cgroup")
@Timeout(120)
class FixtureTest {
    @Test
    void shouldRunAProgramAndLeaveTheHostAsItWas() {
        try (Worker worker = Worker.start("cloister.containers { max = 1, warm = 1 }")) {
            worker.awaitCalm();
            HostState before = HostState.now();
            assertThat(before.counts()).containsKey("locked bytes");
            try (Leased container = worker.acquire()) {
                container.write("/w/a/b", "hello");
                assertThat(container.shell("cat /w/a/b; echo; id -u")).isEqualTo("hello\n1000\n");
                assertThat(container.readText("/w/a/b")).isEqualTo("hello");
            }
            worker.awaitCalm();
            before.assertUnchanged();
        }
    }
}
