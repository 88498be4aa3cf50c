// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
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
    private WakefulExecutor executor = executor(Duration.ofNanos(50_000));

    private WakefulExecutor executor(Duration wakeful) {
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
}
