// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.unit.ByteSize;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Limits so small that hardly anything can run: whatever comes of it is said of the program, and
 * the container is as good as before.
 */
@Tag("cgroup")
@Timeout(value = 120, unit = TimeUnit.SECONDS)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@SuppressWarnings("NullAway.Init") // set before all tests
class TinyLimitsTest {
    private static final ByteSize NOTHING = ByteSize.ofBytes(0);

    private Worker worker;
    private long init;

    enum Tiny {
        MEMORY(limits -> limits.memory(ByteSize.ofKiB(64))),
        ONE_PROCESS(limits -> limits.processes(1)),
        CPU_TIME(limits -> limits.cpuTime(Duration.ofNanos(1))),
        CPU_TIME_1_MS(limits -> limits.cpuTime(Duration.ofMillis(1))),
        WALL_TIME(limits -> limits.wallTime(Duration.ofNanos(1))),
        OUTPUT(limits -> limits.output(NOTHING)),
        FILE_SIZE(limits -> limits.fileSize(NOTHING)),
        STACK(limits -> limits.stack(NOTHING)),
        STACK_4_KIB(limits -> limits.stack(ByteSize.ofKiB(4))),
        ONE_FILE(limits -> limits.openFiles(1)),
        TWO_FILES(limits -> limits.openFiles(2)),
        THREE_FILES(limits -> limits.openFiles(3)),
        ADDRESS_SPACE(limits -> limits.addressSpace(NOTHING)),
        ADDRESS_SPACE_1_MIB(limits -> limits.addressSpace(ByteSize.ofMiB(1))),
        DATA(limits -> limits.dataSegment(NOTHING)),
        DISK_SIZE(limits -> limits.diskSize(ByteSize.ofBytes(1))),
        DISK_FILES(limits -> limits.diskFiles(1)),
        CPU_RATE(limits -> limits.cpuRate(10));

        @SuppressWarnings("ImmutableEnumChecker") // a function
        private final UnaryOperator<Limits.Builder> limit;

        Tiny(UnaryOperator<Limits.Builder> limit) {
            this.limit = limit;
        }

        Limits limits() {
            return limit.apply(Limits.builder().wallTime(Duration.ofSeconds(5))).build();
        }
    }

    @BeforeAll
    void start() {
        worker = Worker.start(HostileTrial.settings());
        worker.run(Program.of("/bin/true").collect(ByteSize.ofKiB(1)));
        init = worker.oneInit();
    }

    @AfterAll
    void stop() {
        worker.close();
    }

    @ParameterizedTest
    @EnumSource(Tiny.class)
    void shouldNotBeTheWorkersTrouble(Tiny tiny) {
        Program.Builder program =
                Program.of("/bin/sh", "-c", "cat; echo x > f; (echo y); cat f")
                        .stdin("in\n")
                        .collect(ByteSize.ofKiB(1))
                        .limits(tiny.limits());
        ProgramOutcome outcome = worker.run(program);

        assertThat(outcome.status()).as(outcome.toString()).isNotEqualTo(Status.INTERNAL_ERROR);
        assertThat(worker.oneInit()).as("the same container").isEqualTo(init);
        assertThat(worker.run(Program.of("/bin/true")).status()).isEqualTo(Status.OK);
    }

    @Test
    void shouldNotMindInputThatNobodyReads() {
        Content input = Content.of(new byte[(int) Content.MAX_INLINE.bytes()]);
        ProgramOutcome outcome =
                worker.run(
                        Program.of("/bin/true").stream(0, new Stream.Input(input))
                                .copyIn(CopyIn.File.of("f", Content.ofUtf8("x"))));

        assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.OK);
        assertThat(worker.oneInit()).isEqualTo(init);
    }
}
