// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import io.cloister.nativeio.seccomp.SeccompFilter.Listener;
import io.cloister.nativeio.seccomp.SeccompListener;
import io.cloister.nativeio.seccomp.SeccompListener.Called;
import io.cloister.nativeio.seccomp.SeccompListener.Ended;
import io.cloister.nativeio.seccomp.SeccompListener.Nothing;
import io.cloister.protocol.run.Evidence;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Listens to the seccomp filter of one run, on a thread of its own, since waiting blocks: for the
 * first call that is disallowed, or for all that a trial run would have been refused. It ends when
 * the last process with the filter has, or with the run's deadline.
 */
final class CallWatch {
    private static final long STACK_BYTES = 256 * 1024;

    /**
     * As many threads as there are watched runs; one goes when it had nothing to do for a while.
     */
    private static final Executor THREADS =
            new ThreadPoolExecutor(
                    0,
                    Integer.MAX_VALUE,
                    1,
                    TimeUnit.SECONDS,
                    new SynchronousQueue<>(),
                    CallWatch::thread);

    private static final AtomicLong NAMED = new AtomicLong();

    /** What the run is told. */
    sealed interface Event {}

    /** A call waits that the policy forbids; it will not be executed. */
    record Disallowed(String call) implements Event {}

    /** No process with the filter is left. */
    record Over(List<String> observed) implements Event {}

    /** Nobody listens any more, and calls may have been missed. */
    record Failed(String reason) implements Event {}

    private final SeccompListener listener;
    private final Listener use;
    private final Consumer<Event> run;
    private final SortedSet<String> observed = new TreeSet<>();
    private boolean told;

    private CallWatch(SeccompListener listener, Listener use, Consumer<Event> run) {
        this.listener = listener;
        this.use = use;
        this.run = run;
    }

    /**
     * Begins to listen. The last event is {@link Over} or {@link Failed}.
     *
     * @param listener the thread's from now on
     * @param run takes events, on the listening thread
     */
    static void start(SeccompListener listener, Listener use, Duration limit, Consumer<Event> run) {
        THREADS.execute(() -> new CallWatch(listener, use, run).listen(limit));
    }

    private static Thread thread(Runnable work) {
        String name = "cloister-calls-" + NAMED.incrementAndGet();
        Thread thread = new Thread(null, work, name, STACK_BYTES);
        thread.setDaemon(true);
        return thread;
    }

    private void listen(Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        try (listener) {
            while (true) {
                long left = Math.max(0, deadline - System.nanoTime());
                switch (listener.await(Duration.ofNanos(left))) {
                    case Called called -> note(called);
                    case Ended() -> {
                        run.accept(new Over(List.copyOf(observed)));
                        return;
                    }
                    case Nothing() -> {
                        run.accept(new Failed("processes of a run outlive its deadline"));
                        return;
                    }
                }
            }
        } catch (IOException | RuntimeException e) {
            run.accept(new Failed("cannot listen to a seccomp filter: " + e.getMessage()));
        }
    }

    private void note(Called called) throws IOException {
        if (use == Listener.LEARNS) {
            if (observed.size() < Evidence.MAX_SYSCALLS) {
                observed.add(called.call());
            }
            listener.letPass(called);
        } else if (!told) {
            told = true;
            run.accept(new Disallowed(called.call()));
        }
    }
}
