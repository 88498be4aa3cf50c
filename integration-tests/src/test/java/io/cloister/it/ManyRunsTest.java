// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.CopyOut;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.unit.ByteSize;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A worker's long life in runs, shortened unless there is much time. */
class ManyRunsTest {
    private static final int RUNS = Boolean.getBoolean("cloister.long") ? 10_000 : 2_000;
    private static final int WARM_UP = 200;

    /** Of heap and direct buffers after a collection; each run's own are many times as much. */
    private static final long SLACK = 4L << 20;

    @Test
    @Timeout(600)
    void shouldHaveNoMoreOfAnythingAfterManyRuns() {
        try (Worker worker = Worker.start(HostileTrial.settings())) {
            runs(worker, WARM_UP);
            worker.awaitCalm();
            HostState before = HostState.now();
            long memory = memory();
            runs(worker, RUNS);
            worker.awaitCalm();
            assertThat(memory() - memory).as("more memory in use").isLessThan(SLACK);
            before.assertUnchanged();
        }
    }

    private static void runs(Worker worker, int count) {
        Limits limits =
                Limits.builder()
                        .cpuTime(Duration.ofSeconds(5))
                        .memory(ByteSize.ofMiB(64))
                        .processes(8)
                        .diskSize(ByteSize.ofMiB(16))
                        .build();
        Content input = Content.of(new byte[4096]);
        for (int i = 0; i < count; i++) {
            ProgramOutcome outcome =
                    worker.run(
                            Program.of("/bin/cat", "in")
                                    .copyIn(CopyIn.File.of("in", input))
                                    .copyOut(CopyOut.required("in"))
                                    .collect(ByteSize.ofKiB(8))
                                    .limits(limits));
            assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.OK);
            assertThat(outcome.outputs().get(1).content().length()).isEqualTo(4096);
        }
    }

    /** On the heap and in direct buffers, in bytes. */
    private static long memory() {
        System.gc();
        long buffers =
                ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                        .mapToLong(BufferPoolMXBean::getMemoryUsed)
                        .sum();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() + buffers;
    }
}
