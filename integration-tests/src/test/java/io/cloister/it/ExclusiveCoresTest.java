// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.protocol.run.Enforced;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.unit.ByteSize;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Containers that each have a core to themselves. */
@Tag("cgroup")
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class ExclusiveCoresTest {
    private static final String CORES = "cloister.containers { max = 2, warm = 2";

    private static Program.Builder cores() {
        return Program.of("/bin/sh", "-c", "grep Cpus_allowed_list /proc/self/status")
                .collect(ByteSize.ofKiB(1));
    }

    private static String core(ProgramOutcome outcome) {
        assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.OK);
        assertThat(outcome.enforced()).map(Enforced::limit).contains(Limit.CPU_SET);
        return outcome.outputs().get(1).content().utf8().orElseThrow().strip().split("\\s+")[1];
    }

    @Test
    void shouldGiveEachContainerItsCore() {
        assumeTrue(Runtime.getRuntime().availableProcessors() > 1, "there is one core only");
        try (Worker worker = Worker.start(CORES + ", exclusive-cores = [0, 1] }")) {
            Run both =
                    new Run(
                            "both",
                            List.of(cores().build(), cores().build()),
                            List.of(),
                            Optional.empty());
            for (int i = 0; i < 3; i++) {
                assertThat(worker.run(both).results())
                        .map(ExclusiveCoresTest::core)
                        .containsExactlyInAnyOrder("0", "1");
            }
            Limits other = Limits.builder().cpuSet("0-1").build();
            assertThat(core(worker.run(cores().limits(other)))).isEqualTo("0-1");
        }
    }

    @Test
    void shouldNotStartWithFewerCoresThanContainers() {
        assertThatThrownBy(() -> Worker.start(CORES + ", exclusive-cores = [0] }"))
                .hasMessageContaining("exclusive-cores");
    }
}
