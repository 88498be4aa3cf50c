// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.unit.ByteSize;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class RelayTest {
    private static final ByteSize PLENTY = ByteSize.ofMiB(64);
    private static final byte[] HELLO = "hello".getBytes(StandardCharsets.US_ASCII);

    private final AtomicInteger exceeded = new AtomicInteger();
    private final StreamCollector collector = new StreamCollector();

    @AfterEach
    void close() {
        collector.close();
    }

    private Relay relay(ByteSize max) throws IOException {
        return collector.relay(new PipeLink.Relay(max, true), exceeded::incrementAndGet);
    }

    private static byte[] pattern(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (i * 31 + (i >> 8));
        }
        return bytes;
    }

    private static byte[] read(Fd from, int length) {
        byte[] buffer = new byte[length];
        long n = LibC.read(from.number(), buffer, length);
        return Arrays.copyOf(buffer, (int) Math.max(0, n));
    }

    private static byte[] readAll(Fd from) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part = read(from, 65_536); part.length > 0; part = read(from, 65_536)) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    @Test
    void shouldPassOnEverythingThenTheEnd() throws Exception {
        byte[] much = pattern(3_000_001);
        try (Relay relay = relay(PLENTY);
                Fd reader = relay.forReader()) {
            Fd writer = relay.forWriter();
            CompletableFuture<byte[]> read = CompletableFuture.supplyAsync(() -> readAll(reader));
            writer.write(much);
            writer.close();
            assertThat(Arrays.equals(read.join(), much)).isTrue();
            assertThat(relay.bytesPassed()).isEqualTo(much.length);
            assertThat(Arrays.equals(relay.finish().toArray(), much)).isTrue();
            assertThat(exceeded).hasValue(0);
        }
    }

    @Test
    void shouldAnswerQuestions() throws Exception {
        try (Relay there = relay(PLENTY);
                Relay back = relay(PLENTY);
                Fd question = there.forWriter();
                Fd asked = there.forReader();
                Fd answer = back.forWriter();
                Fd answered = back.forReader()) {
            for (int i = 0; i < 200; i++) {
                question.write(HELLO);
                assertThat(read(asked, 100)).isEqualTo(HELLO);
                answer.write(HELLO);
                assertThat(read(answered, 100)).isEqualTo(HELLO);
            }
            assertThat(there.finish().length()).isEqualTo(1000);
        }
    }

    @Test
    void shouldHoldBackAWriterWhoseReaderDoesNotRead() throws Exception {
        byte[] much = pattern(1_000_000);
        try (Relay relay = relay(PLENTY);
                Fd reader = relay.forReader()) {
            Fd writer = relay.forWriter();
            CompletableFuture<Void> written =
                    CompletableFuture.runAsync(() -> {
                        long n = LibC.write(writer.number(), much, much.length);
                        assertThat(n).isEqualTo(much.length);
                        writer.close();
                    });
            await().until(() -> relay.bytesPassed() >= 60_000 && relay.atRest());
            assertThat(relay.bytesPassed()).isLessThanOrEqualTo(65_536);
            assertThat(written).isNotDone();
            assertThat(Arrays.equals(readAll(reader), much)).isTrue();
            written.join();
        }
    }

    @Test
    void shouldTellTheWriterThatTheReaderIsGone() throws Exception {
        try (Relay relay = relay(PLENTY);
                Fd writer = relay.forWriter()) {
            relay.forReader().close();
            await().until(() -> LibC.write(writer.number(), HELLO, HELLO.length) == -1);
            LibC.write(writer.number(), HELLO, HELLO.length);
            assertThat(LibC.errno()).isEqualTo(Errno.EPIPE);
            assertThat(relay.atRest()).isTrue();
        }
    }

    @Test
    void shouldTellAWriterThatIsHeldBackThatTheReaderIsGone() throws Exception {
        byte[] much = pattern(1_000_000);
        try (Relay relay = relay(PLENTY)) {
            Fd reader = relay.forReader();
            try (Fd writer = relay.forWriter()) {
                CompletableFuture<Long> written =
                        CompletableFuture.supplyAsync(
                                () -> LibC.write(writer.number(), much, much.length));
                await().until(() -> relay.bytesPassed() >= 60_000);
                reader.close();
                assertThat(written.join()).isLessThan(much.length);
            }
        }
    }

    @Test
    void shouldPassWhatIsLeftWhenTheWriterIsGoneAndTheReaderSlow() throws Exception {
        byte[] much = pattern(150_000); // both pipes and what the relay holds
        try (Relay relay = relay(PLENTY);
                Fd reader = relay.forReader()) {
            try (Fd writer = relay.forWriter()) {
                writer.write(much);
            }
            await().until(relay::atRest);
            assertThat(Arrays.equals(readAll(reader), much)).isTrue();
        }
    }

    @Test
    void shouldPassExactlyTheBound() throws Exception {
        try (Relay relay = relay(ByteSize.ofBytes(5));
                Fd reader = relay.forReader();
                Fd writer = relay.forWriter()) {
            writer.write(HELLO);
            assertThat(read(reader, 100)).isEqualTo(HELLO);
            assertThat(exceeded).hasValue(0);
        }
    }

    @Test
    void shouldTellOnceOfAByteTooMuchAndEndTheReadersInput() throws Exception {
        try (Relay relay = relay(ByteSize.ofBytes(5));
                Fd reader = relay.forReader();
                Fd writer = relay.forWriter()) {
            writer.write(pattern(6));
            assertThat(readAll(reader)).isEqualTo(pattern(5));
            await().until(() -> exceeded.get() == 1);
            writer.write(HELLO); // it is not told of a lost reader, but about to be ended
            assertThat(relay.finish().toArray()).isEqualTo(pattern(5));
            assertThat(exceeded).hasValue(1);
        }
    }

    @Test
    void shouldKeepNoTranscriptUnlessAsked() throws Exception {
        try (Relay relay =
                        collector.relay(
                                new PipeLink.Relay(PLENTY, false), exceeded::incrementAndGet);
                Fd reader = relay.forReader();
                Fd writer = relay.forWriter()) {
            writer.write(HELLO);
            assertThat(read(reader, 100)).isEqualTo(HELLO);
            assertThat(relay.finish().length()).isZero();
            assertThat(relay.bytesPassed()).isEqualTo(5);
        }
    }

    @Test
    void shouldSayWhetherThereIsSomethingToPass() throws Exception {
        try (Relay relay = relay(PLENTY);
                Fd reader = relay.forReader()) {
            try (Fd writer = relay.forWriter()) {
                assertThat(relay.atRest()).isTrue();
                writer.write(HELLO);
                await().until(relay::atRest);
                assertThat(relay.bytesPassed()).isEqualTo(5);
            }
            await().until(relay::atRest);
            assertThat(readAll(reader)).isEqualTo(HELLO);
        }
    }

    @Test
    void shouldGiveEachEndOnce() throws Exception {
        try (Relay relay = relay(PLENTY)) {
            relay.forWriter().close();
            relay.forReader().close();
            assertThatThrownBy(relay::forWriter).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(relay::forReader).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void shouldSayThatItBroke() throws Exception {
        Relay relay = relay(PLENTY);
        try (Fd writer = relay.forWriter()) {
            collector.close();
            assertThat(LibC.write(writer.number(), HELLO, HELLO.length)).isEqualTo(-1);
        }
        assertThatThrownBy(relay::finish).isInstanceOf(IOException.class);
    }

    @Test
    void shouldKeepNoDescriptorsHoweverItEnds() throws Exception {
        relay(PLENTY).close();
        int before = OwnProcess.descriptors();
        for (int i = 0; i < 3000; i++) {
            Relay relay = relay(ByteSize.ofBytes(3));
            if (i % 5 != 0) {
                Fd writer = relay.forWriter();
                Fd reader = relay.forReader();
                if (i % 5 == 1) {
                    reader.close();
                }
                LibC.write(writer.number(), HELLO, i % 6);
                spin(ThreadLocalRandom.current().nextInt(30_000));
                writer.close();
                if (i % 5 == 2) {
                    relay.finish();
                }
                reader.close();
            }
            relay.close();
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
