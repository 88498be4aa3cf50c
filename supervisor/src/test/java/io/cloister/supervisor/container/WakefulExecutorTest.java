// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.Pipe;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
@SuppressWarnings("ThreadPriorityCheck") // the yields are there to vary the timing
class WakefulExecutorTest {
    private final List<Throwable> uncaught = Collections.synchronizedList(new ArrayList<>());
    private WakefulExecutor executor;

    WakefulExecutorTest() throws IOException {
        executor = executor(Duration.ofNanos(50_000));
    }

    private WakefulExecutor executor(Duration wakeful) throws IOException {
        return new WakefulExecutor(
                work -> {
                    Thread thread = new Thread(work, "wakeful");
                    thread.setUncaughtExceptionHandler((any, e) -> uncaught.add(e));
                    return thread;
                },
                wakeful);
    }

    @AfterEach
    void end() throws InterruptedException {
        executor.shutdownNow();
        assertThat(executor.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }

    /** With pauses around the time at which it falls asleep, so that wake-ups meet it half-way. */
    @ParameterizedTest
    @ValueSource(longs = {0, 20_000, 100_000})
    void shouldLoseNoTaskOfManyThreads(long wakefulNanos) throws Exception {
        end();
        executor = executor(Duration.ofNanos(wakefulNanos));
        int threads = 4;
        int tasks = 20_000;
        CountDownLatch done = new CountDownLatch(threads * tasks);
        List<Thread> senders = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            Thread sender =
                    new Thread(() -> {
                        for (int k = 0; k < tasks; k++) {
                            executor.execute(done::countDown);
                            if (k % 100 == 0) {
                                Thread.yield();
                            }
                        }
                    });
            senders.add(sender);
            sender.start();
        }
        for (Thread sender : senders) {
            sender.join();
        }
        assertThat(done.await(20, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void shouldRunTasksInOrderOnOneThread() throws Exception {
        List<Integer> seen = new ArrayList<>();
        CountDownLatch done = new CountDownLatch(1);
        for (int i = 0; i < 100; i++) {
            int number = i;
            executor.execute(() -> seen.add(number));
        }
        executor.execute(done::countDown);
        assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(seen).hasSize(100).isSorted();
    }

    @Test
    void shouldOutliveATaskThatThrows() throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        executor.execute(() -> {
            throw new IllegalStateException("as planned");
        });
        executor.execute(done::countDown);
        assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(uncaught).singleElement().isInstanceOf(IllegalStateException.class);
    }

    @Test
    void shouldFinishWhatItHasAndRefuseTheRestAfterShutdown() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        AtomicInteger ran = new AtomicInteger();
        executor.execute(() -> {
            try {
                hold.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        executor.execute(ran::incrementAndGet);
        executor.shutdown();
        assertThatThrownBy(() -> executor.execute(ran::incrementAndGet))
                .isInstanceOf(RejectedExecutionException.class);
        assertThat(executor.isTerminated()).isFalse();
        hold.countDown();
        assertThat(executor.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        assertThat(ran).hasValue(1);
    }

    // ---- descriptors -------------------------------------------------------------------------

    private static final byte[] BYTE = {1};

    /** Does something on the executor's thread, and waits for that. */
    private void there(Callable<?> work) throws Exception {
        executor.submit(work).get(10, TimeUnit.SECONDS);
    }

    private static void readOne(Fd fd) {
        try {
            fd.readSome(ByteBuffer.allocateDirect(1));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Bytes come when it sleeps, when it is about to, and when it is awake. */
    @ParameterizedTest
    @ValueSource(longs = {0, 100_000})
    void shouldTellOfEachByteOnItsThread(long wakefulNanos) throws Exception {
        end();
        executor = executor(Duration.ofNanos(wakefulNanos));
        Set<Thread> threads = ConcurrentHashMap.newKeySet();
        Semaphore read = new Semaphore(0);
        try (Pipe pipe = Pipe.open("a reply")) {
            there(() -> {
                threads.add(Thread.currentThread());
                executor.watch(
                        pipe.readEnd(),
                        () -> {
                            threads.add(Thread.currentThread());
                            readOne(pipe.readEnd());
                            read.release();
                        });
                return null;
            });
            for (int i = 0; i < 1000; i++) {
                pipe.writeEnd().write(BYTE);
                assertThat(read.tryAcquire(10, TimeUnit.SECONDS)).isTrue();
            }
            there(() -> {
                executor.forget(pipe.readEnd());
                return null;
            });
        }
        assertThat(threads).hasSize(1);
    }

    /** A task that always has another one, as actors that talk to each other. */
    private final class Endless implements Runnable {
        private final AtomicBoolean over = new AtomicBoolean();

        @Override
        public void run() {
            if (!over.get()) {
                executor.execute(this);
            }
        }
    }

    @Test
    void shouldServeDescriptorsWhileThereIsAlwaysATask() throws Exception {
        Endless endless = new Endless();
        CountDownLatch read = new CountDownLatch(1);
        try (Pipe pipe = Pipe.open("a reply")) {
            there(() -> {
                executor.watch(
                        pipe.readEnd(),
                        () -> {
                            readOne(pipe.readEnd());
                            read.countDown();
                        });
                return null;
            });
            executor.execute(endless);
            pipe.writeEnd().write(BYTE);
            assertThat(read.await(10, TimeUnit.SECONDS)).isTrue();
            endless.over.set(true);
            there(() -> {
                executor.forget(pipe.readEnd());
                return null;
            });
        }
    }

    @Test
    void shouldRunTasksWhileADescriptorAlwaysHasSomething() throws Exception {
        try (Pipe pipe = Pipe.open("a flood")) {
            pipe.writeEnd().write(BYTE);
            there(() -> {
                executor.watch(pipe.readEnd(), () -> {}); // nobody reads it
                return null;
            });
            for (int i = 0; i < 100; i++) {
                there(() -> null);
            }
            there(() -> {
                executor.forget(pipe.readEnd());
                return null;
            });
        }
    }

    @Test
    void shouldTellNothingOfADescriptorThatIsForgotten() throws Exception {
        AtomicInteger told = new AtomicInteger();
        try (Pipe pipe = Pipe.open("a reply")) {
            there(() -> {
                executor.watch(pipe.readEnd(), told::incrementAndGet);
                executor.forget(pipe.readEnd());
                executor.forget(pipe.readEnd());
                return null;
            });
            pipe.writeEnd().write(BYTE);
            there(() -> null);
            there(() -> null);
            assertThat(told).hasValue(0);
        }
    }

    @Test
    void shouldEndWhileItWatches() throws Exception {
        try (Pipe pipe = Pipe.open("a reply")) {
            there(() -> {
                executor.watch(pipe.readEnd(), () -> {});
                return null;
            });
            executor.shutdown();
            assertThat(executor.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void shouldBeKnownOnItsOwnThreadOnly() throws Exception {
        assertThat(executor.submit(WakefulExecutor::current).get(10, TimeUnit.SECONDS))
                .isSameAs(executor);
        assertThatThrownBy(WakefulExecutor::current).isInstanceOf(IllegalStateException.class);
    }
}
