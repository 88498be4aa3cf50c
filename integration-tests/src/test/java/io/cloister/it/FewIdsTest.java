// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A worker that has not one range of ids more than containers. */
@Timeout(60)
class FewIdsTest {
    @TempDir Path directory;

    @Test
    void shouldWaitForTheIdsOfAContainerThatMakesRoom() {
        try (Worker worker =
                Worker.start(
                        """
                        cloister.containers { max = 1, warm = 1 }
                        cloister.uid-ranges { start = %d, count = 1, lock-file = "%s" }
                        """
                                .formatted(0x6300_0000, directory.resolve("lock")))) {
            worker.awaitCalm();

            for (int i = 0; i < 10; i++) {
                try (Leased other = worker.create(worker.standard())) {
                    assertThat(other.shell("echo hello")).isEqualTo("hello\n");
                }
                worker.awaitCalm();
            }
        }
    }
}
