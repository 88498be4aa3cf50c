// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import java.util.Queue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/** Keeps some requests under way at a time. */
final class InFlight {
    private static final long LIMIT_SECONDS = 120;

    private InFlight() {}

    /**
     * How long they took.
     *
     * @param median in nanoseconds
     * @param all from the first request to the last answer, in nanoseconds
     */
    record Times(long median, long all) {}

    /** Makes so many requests, with so many under way at a time. */
    static Times measure(int requests, int atOnce, IntFunction<CompletionStage<?>> request)
            throws Exception {
        Histogram times = new ConcurrentHistogram(3);
        Semaphore places = new Semaphore(atOnce);
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        long start = System.nanoTime();
        for (int i = 0; i < requests; i++) {
            take(places, 1);
            long begin = System.nanoTime();
            CompletionStage<?> unused =
                    request.apply(i)
                            .whenComplete((reply, failed) -> {
                                times.recordValue(System.nanoTime() - begin);
                                if (failed != null) {
                                    failures.add(failed);
                                }
                                places.release();
                            });
        }
        take(places, atOnce);
        long all = System.nanoTime() - start;
        if (!failures.isEmpty()) {
            throw new IllegalStateException("a request failed", failures.peek());
        }
        return new Times(times.getValueAtPercentile(50), all);
    }

    private static void take(Semaphore places, int count) throws InterruptedException {
        if (!places.tryAcquire(count, LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new IllegalStateException("requests are not answered");
        }
    }
}
