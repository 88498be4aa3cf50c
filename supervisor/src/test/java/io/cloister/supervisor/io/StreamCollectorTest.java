// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.unit.ByteSize;
import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class StreamCollectorTest {
    private static final ByteSize MAX = ByteSize.ofBytes(10);
    private static final byte[] HELLO = {'h', 'e', 'l', 'l', 'o'};

    private final AtomicInteger exceeded = new AtomicInteger();
    private final StreamCollector collector = new StreamCollector();

    @AfterEach
    void close() {
        collector.close();
    }

    private Collected collect(ByteSize max, boolean truncate) throws IOException {
        return collector.collect(max, truncate, exceeded::incrementAndGet);
    }

    private static byte[] written(Output output) {
        return output.content().toArray();
    }

    private static byte[] pattern(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (i * 31 + (i >> 8));
        }
        return bytes;
    }

    // ---- the bound --------------------------------------------------------------------------

    @Test
    void shouldTakeMoreThanAPipeHolds() throws Exception {
        byte[] much = pattern(5_000_001);
        try (Collected stream = collect(ByteSize.ofMiB(8), false)) {
            try (Fd program = stream.forProgram()) {
                program.write(much);
            }
            Output output = stream.finish();
            assertThat(output.truncated()).isFalse();
            assertThat(Arrays.equals(written(output), much)).isTrue();
            assertThat(exceeded).hasValue(0);
        }
    }

    @Test
    void shouldTakeExactlyWhatIsAllowed() throws Exception {
        try (Collected stream = collect(MAX, false)) {
            try (Fd program = stream.forProgram()) {
                program.write(pattern(10));
            }
            Output output = stream.finish();
            assertThat(written(output)).isEqualTo(pattern(10));
            assertThat(output.truncated()).isFalse();
            assertThat(exceeded).hasValue(0);
        }
    }

    @Test
    void shouldTellOnceOfAByteTooMuchAndGoOnDropping() throws Exception {
        try (Collected stream = collect(MAX, false)) {
            try (Fd program = stream.forProgram()) {
                program.write(pattern(11));
                await().until(() -> exceeded.get() == 1);
                program.write(pattern(1_000_000));
            }
            Output output = stream.finish();
            assertThat(written(output)).isEqualTo(pattern(10));
            assertThat(output.truncated()).isTrue();
            assertThat(exceeded).hasValue(1);
        }
    }

    @Test
    void shouldTruncateWithoutTelling() throws Exception {
        try (Collected stream = collect(MAX, true)) {
            try (Fd program = stream.forProgram()) {
                program.write(pattern(1_000_000));
            }
            Output output = stream.finish();
            assertThat(written(output)).isEqualTo(pattern(10));
            assertThat(output.truncated()).isTrue();
            assertThat(exceeded).hasValue(0);
        }
    }

    @Test
    void shouldAllowNothingAtAll() throws Exception {
        try (Collected silent = collect(ByteSize.ZERO, false);
                Collected loud = collect(ByteSize.ZERO, false)) {
            silent.forProgram().close();
            assertThat(silent.finish()).isEqualTo(new Output(silent.finish().content(), false));
            try (Fd program = loud.forProgram()) {
                program.write(HELLO);
            }
            Output output = loud.finish();
            assertThat(output.content().length()).isZero();
            assertThat(output.truncated()).isTrue();
        }
    }

    // ---- the end ----------------------------------------------------------------------------

    @Test
    void shouldNotWakeItsThreadForASilentProgram() throws Exception {
        collect(MAX, false).close(); // starts the thread
        String thread = "cloister-streams";
        await().until(() -> OwnProcess.sleeps(thread) > 0);
        long before = OwnProcess.sleeps(thread);
        for (int i = 0; i < 1000; i++) {
            try (Collected stream = collect(MAX, false)) {
                stream.forProgram().close();
                stream.finish();
            }
        }
        assertThat(OwnProcess.sleeps(thread)).isEqualTo(before);
    }

    @Test
    void shouldNotWaitForAWriterThatStays() throws Exception {
        try (Collected stream = collect(MAX, false);
                Fd escaped = stream.forProgram()) {
            escaped.write(HELLO);
            assertThat(written(stream.finish())).isEqualTo(HELLO);
            assertThatThrownBy(() -> escaped.write(HELLO))
                    .isInstanceOfSatisfying(
                            SystemCallException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.EPIPE));
            assertThatThrownBy(stream::forProgram).isInstanceOf(IOException.class);
        }
    }

    @Test
    void shouldNotWaitForAWriterThatNeverStops() throws Exception {
        try (Collected stream = collect(ByteSize.ofMiB(256), true);
                Fd program = stream.forProgram()) {
            CountDownLatch begun = new CountDownLatch(1);
            CompletableFuture<Void> writer =
                    CompletableFuture.runAsync(() -> {
                        byte[] bytes = new byte[65_536];
                        while (LibC.write(program.number(), bytes, bytes.length) > 0) {
                            begun.countDown();
                        }
                    });
            begun.await();
            assertThat(stream.finish().content().length()).isPositive();
            writer.join(); // EPIPE has ended it
        }
    }

    @Test
    void shouldNotMindFlagsOfTheProgramsEnd() throws Exception {
        try (Collected stream = collect(ByteSize.ofMiB(1), false);
                Fd program = stream.forProgram()) {
            LibC.fcntl(program.number(), Linux.F_SETFL, Linux.O_NONBLOCK | Linux.O_APPEND);
            int taken = 0;
            for (int i = 0; i < 20_000; i++) {
                taken += (int) Math.max(0, LibC.write(program.number(), HELLO, HELLO.length));
            }
            assertThat(taken).isPositive();
            assertThat(stream.finish().content().length()).isEqualTo(taken);
        }
    }

    @Test
    void shouldEndOnce() throws Exception {
        try (Collected stream = collect(MAX, false)) {
            try (Fd program = stream.forProgram()) {
                program.write(HELLO);
            }
            Output output = stream.finish();
            assertThat(stream.finish()).isSameAs(output);
            stream.close();
            assertThat(stream.finish()).isSameAs(output);
        }
        Collected given = collect(MAX, false);
        given.close();
        given.close();
        assertThatThrownBy(given::finish).isInstanceOf(IOException.class);
    }

    @Test
    void shouldSayWhetherThereIsSomethingToTake() throws Exception {
        try (Collected stream = collect(MAX, false);
                Fd program = stream.forProgram()) {
            assertThat(stream.atRest()).isTrue();
            program.write(HELLO);
            await().until(stream::atRest);
            stream.finish();
            assertThat(stream.atRest()).isTrue();
        }
    }

    // ---- trouble ----------------------------------------------------------------------------

    @Test
    void shouldFailAStreamAloneWhoseOwnerThrows() throws Exception {
        try (Collected other = collect(MAX, false);
                Collected stream =
                        collector.collect(
                                MAX,
                                false,
                                () -> {
                                    throw new IllegalStateException("of the owner");
                                })) {
            try (Fd program = stream.forProgram()) {
                program.write(pattern(11));
                await().until(() -> LibC.write(program.number(), HELLO, HELLO.length) == -1);
            }
            assertThatThrownBy(stream::finish)
                    .isInstanceOf(IOException.class)
                    .hasRootCauseMessage("of the owner");
            try (Fd program = other.forProgram()) {
                program.write(pattern(11));
            }
            await().until(() -> exceeded.get() == 1);
        }
    }

    @Test
    void shouldFailWhatIsLeftWhenItEnds() throws Exception {
        int before = OwnProcess.descriptors();
        Collected stream = collect(MAX, false);
        Fd program = stream.forProgram();
        collector.close();
        collector.close();
        assertThat(LibC.write(program.number(), HELLO, HELLO.length)).isEqualTo(-1);
        program.close();
        assertThatThrownBy(stream::finish).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> collect(MAX, false)).isInstanceOf(IOException.class);
        assertThat(OwnProcess.descriptors()).isEqualTo(before);
    }

    @Test
    void shouldLeaveNothingOfAFreshCollectorThatIsClosed() throws Exception {
        int before = OwnProcess.descriptors();
        new StreamCollector().close();
        assertThat(OwnProcess.descriptors()).isEqualTo(before);
    }

    @Test
    void shouldKeepNoDescriptors() throws Exception {
        collect(MAX, false).close();
        int before = OwnProcess.descriptors();
        for (int i = 0; i < 10_000; i++) {
            Collected stream = collect(MAX, false);
            try (Fd program = stream.forProgram()) {
                program.write(pattern(i % 13));
            }
            if (i % 3 == 0) {
                stream.close();
            } else {
                stream.finish();
            }
        }
        assertThat(OwnProcess.descriptors()).isEqualTo(before);
    }

    // ---- races ------------------------------------------------------------------------------

    @Test
    void shouldReturnAPrefixWhileTheThreadReads() throws Exception {
        byte[] much = pattern(300_000);
        for (int i = 0; i < 300; i++) {
            try (Collected stream = collect(ByteSize.ofMiB(1), false);
                    Fd program = stream.forProgram()) {
                CompletableFuture<Void> writer =
                        CompletableFuture.runAsync(
                                () -> LibC.write(program.number(), much, much.length));
                spin(ThreadLocalRandom.current().nextInt(100_000));
                byte[] content = written(stream.finish());
                assertThat(Arrays.equals(content, Arrays.copyOf(much, content.length))).isTrue();
                writer.join();
            }
        }
    }

    @Test
    void shouldNotTellAfterTheEnd() throws Exception {
        for (int i = 0; i < 2000; i++) {
            AtomicBoolean ended = new AtomicBoolean();
            AtomicBoolean late = new AtomicBoolean();
            AtomicInteger told = new AtomicInteger();
            try (Collected stream =
                            collector.collect(
                                    MAX,
                                    false,
                                    () -> {
                                        told.incrementAndGet();
                                        late.compareAndSet(false, ended.get());
                                    });
                    Fd program = stream.forProgram()) {
                program.write(pattern(11));
                spin(ThreadLocalRandom.current().nextInt(60_000));
                Output output = stream.finish();
                ended.set(true);
                assertThat(output.truncated()).isTrue();
                assertThat(written(output)).isEqualTo(pattern(10));
            }
            assertThat(late).isFalse();
            assertThat(told.get()).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void shouldEndOnceWhoeverAsks() throws Exception {
        int before = -1;
        for (int i = 0; i < 500; i++) {
            Collected stream = collect(MAX, false);
            before = before < 0 ? OwnProcess.descriptors() - 2 : before;
            try (Fd program = stream.forProgram()) {
                program.write(HELLO);
            }
            CompletableFuture<Void> other = CompletableFuture.runAsync(stream::close);
            try {
                assertThat(written(stream.finish())).isEqualTo(HELLO);
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("not collected");
            }
            other.join();
        }
        assertThat(OwnProcess.descriptors()).isEqualTo(before);
    }

    private static void spin(int nanos) {
        long until = System.nanoTime() + nanos;
        while (System.nanoTime() < until) {
            Thread.onSpinWait();
        }
    }
}
