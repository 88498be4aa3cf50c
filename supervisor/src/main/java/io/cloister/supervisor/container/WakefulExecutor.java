// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import akka.dispatch.DispatcherPrerequisites;
import akka.dispatch.ExecutorServiceConfigurator;
import akka.dispatch.ExecutorServiceFactory;
import com.typesafe.config.Config;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The one thread of the containers' dispatcher. When it has nothing to do it stays awake for a
 * little while, yielding the processor to whoever wants it, for init's answer to a short command
 * comes within less time than it takes to wake a thread.
 */
final class WakefulExecutor extends AbstractExecutorService {
    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final long wakefulNanos;
    private final Thread thread;
    private volatile boolean asleep;
    private volatile boolean shutDown;

    WakefulExecutor(ThreadFactory threads, Duration wakeful) {
        wakefulNanos = wakeful.toNanos();
        thread = threads.newThread(this::work);
        thread.start();
    }

    /** Named in reference.conf; Akka calls the constructor. */
    public static final class Configurator extends ExecutorServiceConfigurator {
        private final Duration wakeful;

        public Configurator(Config config, DispatcherPrerequisites prerequisites) {
            super(config, prerequisites);
            wakeful = config.getDuration("wakeful");
        }

        @Override
        public ExecutorServiceFactory createExecutorServiceFactory(
                String id, ThreadFactory threads) {
            return new ExecutorServiceFactory() {
                @Override
                public ExecutorService createExecutorService() {
                    return new WakefulExecutor(threads, wakeful);
                }
            };
        }
    }

    @Override
    public void execute(Runnable task) {
        if (shutDown) {
            throw new RejectedExecutionException("the containers' dispatcher has been shut down");
        }
        tasks.add(task);
        if (asleep) {
            LockSupport.unpark(thread);
        }
    }

    private void work() {
        try {
            while (true) {
                Runnable task = next();
                if (task == null) {
                    return;
                }
                run(task);
            }
        } finally {
            ended.countDown();
        }
    }

    /** A task that throws must not take all containers' thread with it. */
    private void run(Runnable task) {
        try {
            task.run();
        } catch (Throwable e) {
            thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
        }
    }

    /** The next task, or null once all are done after a shutdown. */
    @SuppressWarnings("ThreadPriorityCheck") // the yield is a courtesy: nothing relies on it
    private @Nullable Runnable next() {
        Runnable task = tasks.poll();
        long until = System.nanoTime() + wakefulNanos;
        while (task == null && System.nanoTime() - until < 0) {
            Thread.yield();
            task = tasks.poll();
        }
        while (task == null) {
            asleep = true;
            task = tasks.poll(); // one may have come before it was seen that we sleep
            if (task == null) {
                if (shutDown) {
                    return null;
                }
                LockSupport.park(this);
                task = tasks.poll();
            }
            asleep = false;
        }
        return task;
    }

    @Override
    public void shutdown() {
        shutDown = true;
        LockSupport.unpark(thread);
    }

    @Override
    public List<Runnable> shutdownNow() {
        shutdown();
        List<Runnable> left = new ArrayList<>();
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            left.add(task);
        }
        return left;
    }

    @Override
    public boolean isShutdown() {
        return shutDown;
    }

    @Override
    public boolean isTerminated() {
        return ended.getCount() == 0;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
        return ended.await(timeout, unit);
    }
}
