// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import akka.dispatch.DispatcherPrerequisites;
import akka.dispatch.ExecutorServiceConfigurator;
import akka.dispatch.ExecutorServiceFactory;
import com.typesafe.config.Config;
import io.cloister.nativeio.fd.Epoll;
import io.cloister.nativeio.fd.EventFd;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The one thread of the containers' dispatcher. It runs the dispatcher's tasks, and waits for the
 * inits' sockets at the same time, so that a reply wakes no other thread first. When it has nothing
 * to do it stays awake for a little while, yielding the processor to whoever wants it, for init's
 * answer to a short command comes within less time than it takes to wake a thread.
 */
public final class WakefulExecutor extends AbstractExecutorService {
    private static final ThreadLocal<WakefulExecutor> CURRENT = new ThreadLocal<>();

    /** While there is always a task to run, sockets get their turn after so many. */
    private static final int TASKS_BETWEEN_LOOKS = 16;

    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final AtomicBoolean asleep = new AtomicBoolean();
    private final Map<Long, Watched> watched = new HashMap<>(); // by descriptor number
    private final long wakefulNanos;
    private final Epoll epoll;
    private final EventFd wakeUp;
    private final Thread thread;
    private volatile boolean shutDown;

    private record Watched(Fd fd, Runnable ready) {}

    WakefulExecutor(ThreadFactory threads, Duration wakeful) throws IOException {
        wakefulNanos = wakeful.toNanos();
        epoll = Epoll.open("the containers' dispatcher");
        try {
            wakeUp = EventFd.open("wake-up of the containers' dispatcher");
            try {
                epoll.add(wakeUp.fd(), Linux.EPOLLIN, wakeUp.fd().number());
                thread = threads.newThread(this::work);
                thread.start();
            } catch (IOException | RuntimeException e) {
                wakeUp.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            epoll.close();
            throw e;
        }
    }

    /**
     * The executor that the caller runs on.
     *
     * @throws IllegalStateException on another thread
     */
    public static WakefulExecutor current() {
        WakefulExecutor current = CURRENT.get();
        if (current == null) {
            throw new IllegalStateException("not a thread of the containers' dispatcher");
        }
        return current;
    }

    /**
     * Runs something, on this executor's thread, whenever a descriptor can be read. It must read
     * once, or {@link #forget} the descriptor, and never wait. To be called on that thread only, as
     * is {@link #forget}.
     *
     * @param fd open until it is forgotten
     */
    public void watch(Fd fd, Runnable ready) throws IOException {
        watch(fd, Linux.EPOLLIN, ready);
    }

    /** As {@link #watch}, whenever the descriptor can be written to. */
    public void watchWritable(Fd fd, Runnable ready) throws IOException {
        watch(fd, Linux.EPOLLOUT, ready);
    }

    private void watch(Fd fd, int events, Runnable ready) throws IOException {
        epoll.add(fd, events, fd.number());
        watched.put((long) fd.number(), new Watched(fd, ready));
    }

    /** Watches a descriptor no longer, if it does. */
    public void forget(Fd fd) {
        if (fd.isOpen() && watched.remove((long) fd.number()) != null) {
            try {
                epoll.remove(fd);
            } catch (IOException e) {
                throw new UncheckedIOException(e); // it is open and watched: cannot be
            }
        }
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
                    try {
                        return new WakefulExecutor(threads, wakeful);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
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
        if (asleep.compareAndSet(true, false)) {
            wake();
        }
    }

    /** The thread may have ended meanwhile, and its descriptor been closed. */
    private void wake() {
        synchronized (wakeUp) {
            if (wakeUp.fd().isOpen()) {
                try {
                    wakeUp.signal();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        }
    }

    private void work() {
        CURRENT.set(this);
        try {
            int sinceLook = 0;
            while (true) {
                Runnable task = tasks.poll();
                if (task != null) {
                    run(task);
                    sinceLook++;
                    if (sinceLook >= TASKS_BETWEEN_LOOKS) {
                        look();
                        sinceLook = 0;
                    }
                } else if (awaitWork()) {
                    sinceLook = 0;
                } else {
                    return;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            shutDown = true;
            synchronized (wakeUp) {
                wakeUp.close();
            }
            epoll.close();
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

    /**
     * Returns when there may be a task; false once there will be none, after a shutdown.
     *
     * <p>A thread that adds a task either sees that this one sleeps, or this one sees the task.
     */
    @SuppressWarnings("ThreadPriorityCheck") // the yield is a courtesy: nothing relies on it
    private boolean awaitWork() throws IOException {
        long until = System.nanoTime() + wakefulNanos;
        do {
            if (look() || !tasks.isEmpty()) {
                return true;
            }
            Thread.yield();
        } while (System.nanoTime() - until < 0);
        asleep.set(true);
        try {
            if (tasks.isEmpty()) {
                if (shutDown) {
                    return false;
                }
                serve(epoll.await());
            }
        } finally {
            asleep.set(false);
        }
        return true;
    }

    /** Serves the sockets that can be read now, and tells whether one could. */
    private boolean look() throws IOException {
        int count = epoll.look();
        serve(count);
        return count > 0;
    }

    private void serve(int count) {
        for (int i = 0; i < count; i++) {
            long number = epoll.token(i);
            if (number == wakeUp.fd().number()) {
                wakeUp.clear();
                continue;
            }
            Watched one = watched.get(number);
            if (one != null) { // else it was forgotten since
                run(one.ready());
            }
        }
    }

    @Override
    public void shutdown() {
        shutDown = true;
        wake();
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
