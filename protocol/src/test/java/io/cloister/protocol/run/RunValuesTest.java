// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Coded;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(value = 20, unit = TimeUnit.SECONDS)
class RunValuesTest {
    @ParameterizedTest
    @CsvSource({"1, 1", "999999999, 1", "1000000000, 1", "1000000001, 2", "2500000000, 3"})
    void shouldRoundCpuTimeUpToTheKernelsSeconds(long nanos, long seconds) {
        Rlimits limits = Rlimits.builder().cpuTime(Duration.ofNanos(nanos)).build();

        assertThat(limits.find(Resource.RLIMIT_CPU))
                .contains(new Rlimit(Resource.RLIMIT_CPU, seconds, seconds + 1));
    }

    @Test
    void shouldTurnCoreDumpsOffUnlessTold() {
        assertThat(Rlimits.standard().limits()).containsExactly(Rlimit.of(Resource.RLIMIT_CORE, 0));
        assertThat(Rlimits.builder().core(ByteSize.ofKiB(1)).build().find(Resource.RLIMIT_CORE))
                .contains(Rlimit.of(Resource.RLIMIT_CORE, 1024));
        assertThat(Rlimits.builder().without(Resource.RLIMIT_CORE).build())
                .isEqualTo(Rlimits.none());
    }

    @Test
    void shouldNameEachResourceOnce() {
        Rlimits limits =
                Rlimits.builder()
                        .addressSpace(ByteSize.ofGiB(1))
                        .data(ByteSize.ofMiB(1))
                        .stack(ByteSize.ofMiB(2))
                        .fileSize(ByteSize.ofMiB(3))
                        .openFiles(64)
                        .processes(10)
                        .lockedMemory(ByteSize.ZERO)
                        .messageQueueBytes(ByteSize.ZERO)
                        .pendingSignals(5)
                        .build();

        assertThat(limits.limits())
                .extracting(Rlimit::resource)
                .containsExactlyInAnyOrder(
                        Resource.RLIMIT_AS,
                        Resource.RLIMIT_DATA,
                        Resource.RLIMIT_STACK,
                        Resource.RLIMIT_FSIZE,
                        Resource.RLIMIT_CORE,
                        Resource.RLIMIT_NOFILE,
                        Resource.RLIMIT_NPROC,
                        Resource.RLIMIT_MEMLOCK,
                        Resource.RLIMIT_MSGQUEUE,
                        Resource.RLIMIT_SIGPENDING)
                .isSorted();
        assertThat(limits.toBuilder().build()).isEqualTo(limits);
    }

    @Test
    void shouldRefuseAResourceTwice() {
        Rlimit limit = Rlimit.of(Resource.RLIMIT_NPROC, 1);

        assertRefused(() -> new Rlimits(List.of(limit, Rlimit.of(Resource.RLIMIT_NPROC, 2))));
    }

    @Test
    void shouldTakeInfinityForTheLargestLimit() {
        assertThat(new Rlimit(Resource.RLIMIT_AS, 5, Rlimit.INFINITY).hard()).isEqualTo(-1);
        assertThat(Rlimit.of(Resource.RLIMIT_AS, Rlimit.INFINITY).soft()).isEqualTo(-1);
        assertRefused(() -> new Rlimit(Resource.RLIMIT_AS, Rlimit.INFINITY, 5));
        assertRefused(() -> new Rlimit(Resource.RLIMIT_AS, 6, 5));
        assertRefused(() -> new Rlimit(Resource.RLIMIT_AS, -2, 5));
    }

    @Test
    void shouldRefuseNoCpuTimeAtAll() {
        assertRefused(() -> Rlimits.builder().cpuTime(Duration.ZERO));
        assertRefused(() -> Rlimits.builder().cpuTime(Duration.ofSeconds(-1)));
        assertRefused(() -> Rlimits.builder().cpuTime(Duration.ofDays(366)));
    }

    @Test
    void shouldRefuseEndingsThatCannotBe() {
        assertThat(new Termination.Exited(255).code()).isEqualTo(255);
        assertRefused(() -> new Termination.Exited(256));
        assertRefused(() -> new Termination.Exited(-1));
        assertRefused(() -> new Termination.Signalled(0, "SIG0", false));
        assertRefused(() -> new Termination.Signalled(65, "SIG65", false));
        assertRefused(() -> new Termination.Signalled(9, "", false));
        assertRefused(() -> new Termination.Signalled(9, "x".repeat(33), false));
    }

    @Test
    void shouldCountUserAndSystemTime() {
        Usage usage = Usage.ofRusage(Duration.ofMillis(3), Duration.ofMillis(4), ByteSize.ofMiB(1));

        assertThat(usage.cpuTime()).isEqualTo(Duration.ofMillis(7));
        assertRefused(() -> Usage.ofRusage(Duration.ofNanos(-1), Duration.ZERO, ByteSize.ZERO));
        assertRefused(() -> Usage.ofRusage(Duration.ZERO, Duration.ofNanos(-1), ByteSize.ZERO));
    }

    @Test
    void shouldGiveEachConstantACodeOfItsOwn() {
        for (Coded[] constants : List.of(Resource.values(), Status.values(), Limit.values())) {
            assertThat(Arrays.stream(constants).map(Coded::code)).doesNotHaveDuplicates();
            assertThat(Arrays.stream(constants).map(Coded::code)).allMatch(c -> c >= 0 && c < 256);
        }
    }

    private static void assertRefused(Runnable construction) {
        assertThatThrownBy(construction::run).isInstanceOf(InvalidRequest.class);
    }
}
