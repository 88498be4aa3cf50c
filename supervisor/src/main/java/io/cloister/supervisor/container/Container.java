// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import akka.actor.DeadLetterSuppression;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.Signal;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.TimerScheduler;
import io.cloister.nativeio.cgroup.CgroupRun;
import io.cloister.nativeio.cgroup.Cgroups;
import io.cloister.nativeio.cgroup.ContainerCgroup;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.fd.PidFd;
import io.cloister.nativeio.init.InitProcess;
import io.cloister.nativeio.landlock.Landlock;
import io.cloister.nativeio.program.BadReplyException;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.ProgramTooLargeException;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.nativeio.seccomp.SeccompFilter;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.message.Conf;
import io.cloister.protocol.message.ConfReply;
import io.cloister.protocol.message.ContainerState;
import io.cloister.protocol.message.Delete;
import io.cloister.protocol.message.DeleteReply;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.PingReply;
import io.cloister.protocol.message.Pong;
import io.cloister.protocol.message.ResetDone;
import io.cloister.protocol.message.ResetReply;
import io.cloister.protocol.message.Standstill;
import io.cloister.protocol.message.Symlink;
import io.cloister.protocol.message.SymlinkReply;
import io.cloister.protocol.run.Limits;
import io.cloister.supervisor.handler.ConfHandler;
import io.cloister.supervisor.handler.ContainerContext;
import io.cloister.supervisor.handler.DeleteHandler;
import io.cloister.supervisor.handler.Enforcement;
import io.cloister.supervisor.handler.Exchange;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.handler.ExecveHandler;
import io.cloister.supervisor.handler.OpenHandler;
import io.cloister.supervisor.handler.Pause;
import io.cloister.supervisor.handler.ResetHandler;
import io.cloister.supervisor.handler.SymlinkHandler;
import io.cloister.supervisor.io.ThreadLook;
import io.cloister.supervisor.observe.LogIds;
import io.cloister.supervisor.observe.RunIds;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One container: the command router. It takes one command at a time, lets the command's handler say
 * which programs init shall run, and answers. Others wait in a bounded queue.
 *
 * <p>Its states are behaviours: {@code Idle}, {@code Busy} with a command, {@code Closing}.
 * Whatever casts doubt on the container (its socket's end, a missed deadline, an answer that cannot
 * be) closes it: every request is answered with a failure, the reaper sees to it that nothing is
 * left, and only then does the actor stop, so that those who watch it learn of a container that is
 * truly gone.
 */
public final class Container {
    /** Between looks whether a reset left memory in use; each is twice as long: half a second. */
    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(1);

    private static final int WHOLE_CORE = 1000; // the unit of Limits.cpuRate()

    private static final Duration LONGEST_PAUSE = Duration.ofMillis(256);

    private static final Logger LOG = LoggerFactory.getLogger(Container.class);

    /** What a container can be asked. Every request with a {@code replyTo} is answered once. */
    public sealed interface Command {}

    /** Asks for a sign of life through init; while a program runs, answered at once. */
    public record Ping(ActorRef<PingReply> replyTo) implements Command {}

    /** Configures the container, once. */
    public record Configure(Conf request, ActorRef<ConfReply> replyTo) implements Command {}

    /** Opens files; the descriptors in the reply are the receiver's. */
    public record OpenFiles(Open request, ActorRef<OpenReply> replyTo) implements Command {}

    /** Makes symbolic links. */
    public record MakeSymlinks(Symlink request, ActorRef<SymlinkReply> replyTo)
            implements Command {}

    /** Deletes a file, an empty directory or a tree. */
    public record DeletePath(Delete request, ActorRef<DeleteReply> replyTo) implements Command {}

    /** Empties every tmpfs and drops what programs can leave elsewhere; proven, or destroyed. */
    public record Reset(ActorRef<ResetReply> replyTo) implements Command {}

    /**
     * Runs a program.
     *
     * @param descriptors the container's from now on
     * @param started told before the program's first instruction, when the request asks for it
     * @param run that it is part of, for the log
     */
    public record Execute(
            Execve request,
            ExecveDescriptors descriptors,
            Optional<ActorRef<Started>> started,
            RunIds run,
            ActorRef<ExecveReply> replyTo)
            implements Command {

        public Execute(
                Execve request,
                ExecveDescriptors descriptors,
                Optional<ActorRef<Started>> started,
                ActorRef<ExecveReply> replyTo) {
            this(request, descriptors, started, RunIds.NONE, replyTo);
        }

        public Execute(
                Execve request, ExecveDescriptors descriptors, ActorRef<ExecveReply> replyTo) {
            this(request, descriptors, Optional.empty(), replyTo);
        }
    }

    /**
     * A program stands before its first instruction and waits for {@link Proceed} or {@link Kill}.
     *
     * @param pid its number on the host
     * @param pidfd the receiver's
     */
    public record Started(int pid, PidFd pidfd, ActorRef<Command> container) {}

    /** Lets an announced program start. */
    public record Proceed() implements Command {}

    /**
     * Kills the program that runs, and refuses one that was announced; if none does, refuses the
     * first of those that wait behind other commands.
     */
    public record Kill() implements Command {}

    /**
     * Asks whether the programs that run here wait for each other; answered beside other commands,
     * after some milliseconds.
     */
    public record Look(ActorRef<Looked> replyTo) implements Command {}

    /**
     * How the programs were found.
     *
     * @param standstill empty where one of them runs, where none does, and where it is not known
     */
    public record Looked(Optional<Standstill> standstill) {
        public static final Looked NOTHING = new Looked(Optional.empty());
    }

    /** Ends the container. Requests that wait are answered with a failure. */
    public record Destroy() implements Command {}

    /**
     * The groups that its programs run in. Sent once, before the first {@link Execute}; whoever
     * destroys the container removes them.
     *
     * @param cores that its programs run on, unless a request names others
     */
    public record Grouped(ContainerCgroup cgroup, Optional<String> cores) implements Command {
        public Grouped(ContainerCgroup cgroup) {
            this(cgroup, Optional.empty());
        }
    }

    /** A reply of init's. */
    record Received(ProgramResult result) implements Command {}

    /** The container cannot be trusted any more; of no interest once it has ended. */
    record Lost(String reason) implements Command, DeadLetterSuppression {}

    /** A run's first program is over; what follows from it. */
    record RunEnded(Exchange<ExecveReply> next) implements Command {}

    /** Nothing is left of the container. */
    record Gone() implements Command {}

    private record DeadlinePassed(int serial) implements Command {}

    private record HasLooked(Optional<Standstill> seen, ActorRef<Looked> replyTo)
            implements Command {}

    /**
     * How a container behaves.
     *
     * @param deadline for each program of a command; a run's is its wall time limit and {@code
     *     grace}
     * @param configuring the deadline of conf, whose init command may take its time
     * @param queue how many commands may wait
     * @param filters the seccomp filter of a profile, empty where there is none of that name
     * @param landlock what to confine programs by, beside their filters
     * @param cgroups what they can limit and measure here
     * @param plans of those that were configured before
     */
    public record Settings(
            Duration deadline,
            Duration grace,
            Duration configuring,
            int queue,
            Function<String, Optional<SeccompFilter>> filters,
            Landlock landlock,
            Cgroups cgroups,
            ConfPlans plans) {}

    private static final String DEADLINE = "deadline";

    private final ActorContext<Command> context;
    private final TimerScheduler<Command> timers;
    private final InitProcess init;
    private final Settings settings;
    private final ActorRef<Receiver.Command> receiver;
    private final ActorRef<Sender.Send> sender;
    private final ActorRef<WaitPid.Command> waitPid;
    private final ActorRef<Reaper.Command> reaper;
    private final Queue<Task<?>> queue = new ArrayDeque<>();
    private final Idle idle;
    private @Nullable ContainerContext configured;
    private @Nullable Grouped grouped;
    private int serial;
    private boolean used;

    /** Of the latest run: the next one's is likely the same. */
    private @Nullable ExecveHandler handler;

    /** Of its last reset. */
    private Set<Mount.Tmpfs> usedBefore = Set.of();

    /** What the latest run's filter is listened to for. */
    private SeccompFilter.Listener listener = SeccompFilter.Listener.NONE;

    /** Of the latest program, for what is logged about it and about the reset after it. */
    private RunIds latest = RunIds.NONE;

    private Container(
            ActorContext<Command> context,
            TimerScheduler<Command> timers,
            InitProcess init,
            Settings settings,
            Runnable released) {
        this.context = context;
        this.timers = timers;
        this.init = init;
        this.settings = settings;
        // the reaper first: whatever fails after it, init has an owner
        reaper = context.spawn(Reaper.create(init, released), "reaper");
        // on the router's thread, for a message to another one would wake it first
        DispatcherSelector here = DispatcherSelector.sameAsParent();
        receiver = context.spawn(Receiver.create(init, context.getSelf()), "receiver", here);
        sender = context.spawn(Sender.create(init.channel(), context.getSelf()), "sender", here);
        waitPid = context.spawn(WaitPid.create(context.getSelf(), sender), "wait-pid", here);
        idle = new Idle(context);
    }

    /**
     * The behaviour of a fresh init's container. It owns the init. To be spawned on
     * cloister.container-dispatcher, whose thread listens to inits; it fails on another.
     *
     * @param released run once nothing is left of the container: its ids may be used again
     */
    public static Behavior<Command> create(InitProcess init, Settings settings, Runnable released) {
        return Behaviors.setup(context ->
                Behaviors.withTimers(
                        timers -> new Container(context, timers, init, settings, released).idle));
    }

    // ---- the commands: which handler serves which --------------------------------------------

    /**
     * A command in hand.
     *
     * @param begin what its handler does first; throws {@link IOException} for the worker's own
     *     trouble
     * @param resources what came with it, closed when it has been sent or has ended
     */
    private record Task<R>(
            String name,
            ActorRef<? super R> replyTo,
            Function<Failure, R> failed,
            Begin<R> begin,
            Runnable resources,
            Optional<Execute> run,
            Duration deadline) {

        void fail(Failure failure) {
            resources.run();
            replyTo.tell(failed.apply(failure));
        }
    }

    @FunctionalInterface
    private interface Begin<R> {
        Exchange<R> begin() throws IOException;
    }

    private <R> Task<R> task(
            String name,
            ActorRef<? super R> replyTo,
            Function<Failure, R> failed,
            Function<ContainerContext, Exchange<R>> handler) {
        return new Task<>(
                name,
                replyTo,
                failed,
                () -> {
                    ContainerContext known = configured;
                    return known == null
                            ? new Exchange.Done<>(failed.apply(notConfigured()))
                            : handler.apply(known);
                },
                () -> {},
                Optional.empty(),
                settings.deadline());
    }

    /** The table of contents: empty for what is no request. */
    private Optional<Task<?>> taskOf(Command command) {
        return Optional.ofNullable(
                switch (command) {
                    case Ping ping -> ping(ping);
                    case Configure configure -> configure(configure);
                    case OpenFiles open ->
                            task(
                                    "open",
                                    open.replyTo(),
                                    OpenFailed::new,
                                    known -> OpenHandler.start(open.request()));
                    case MakeSymlinks symlink ->
                            this.<SymlinkReply>task(
                                    "symlink",
                                    symlink.replyTo(),
                                    failure -> failure,
                                    known -> SymlinkHandler.start(symlink.request()));
                    case DeletePath delete ->
                            this.<DeleteReply>task(
                                    "delete",
                                    delete.replyTo(),
                                    failure -> failure,
                                    known -> DeleteHandler.start(delete.request(), known));
                    case Reset reset ->
                            this.<ResetReply>task(
                                    "reset", reset.replyTo(), failure -> failure, this::reset);
                    case Execute execute -> execute(execute);
                    default -> null;
                });
    }

    /** What programs can leave behind need not be looked for when none has run since. */
    private Exchange<ResetReply> reset(ContainerContext known) {
        boolean programsRan = used;
        used = false;
        Exchange<ResetReply> exchange =
                ResetHandler.start(
                        known.config(), programsRan, usedBefore, found -> usedBefore = found);
        return programsRan ? withoutLeftover(exchange, SHORTEST_PAUSE) : exchange;
    }

    /**
     * A reset is done when the memory of what ran before does not count against the next run: the
     * kernel frees much of it by and by.
     */
    private Exchange<ResetReply> withoutLeftover(Exchange<ResetReply> exchange, Duration pause) {
        return switch (exchange) {
            case Exchange.Run<ResetReply>(SyscallProgram program, var then) ->
                    new Exchange.Run<>(
                            program, result -> withoutLeftover(then.apply(result), pause));
            case Exchange.Done<ResetReply>(ResetDone done) -> {
                Optional<String> leftover = leftover();
                if (leftover.isEmpty()) {
                    yield exchange;
                }
                if (pause.compareTo(LONGEST_PAUSE) > 0) {
                    Failure failure =
                            Failure.of(
                                    Failure.Kind.INTERNAL,
                                    leftover.get() + " is left of earlier programs");
                    yield new Exchange.Doomed<>(failure, "reset failed: " + failure.describe());
                }
                yield new Exchange.Run<>(
                        Pause.of(pause),
                        result -> withoutLeftover(exchange, pause.multipliedBy(2)));
            }
            default -> exchange;
        };
    }

    private Optional<String> leftover() {
        Grouped groups = grouped;
        try {
            return groups == null ? Optional.empty() : groups.cgroup().leftover();
        } catch (IOException e) {
            return Optional.of("it cannot be told how much memory (" + e.getMessage() + ")");
        }
    }

    private Task<PingReply> ping(Ping ping) {
        SyscallProgram program = SyscallProgram.EMPTY;
        return new Task<>(
                "ping",
                ping.replyTo(),
                failure -> failure,
                () -> new Exchange.Run<>(program, result -> new Exchange.Done<>(Pong.of(state()))),
                () -> {},
                Optional.empty(),
                settings.deadline());
    }

    private ContainerState state() {
        return configured == null ? ContainerState.UNCONFIGURED : ContainerState.IDLE;
    }

    private Task<ConfReply> configure(Configure configure) {
        ContainerConfig config = configure.request().config();
        Fd[] output = new Fd[1];
        return new Task<>(
                "conf",
                configure.replyTo(),
                failure -> failure,
                () -> {
                    if (configured != null) {
                        return new Exchange.Done<>(
                                Failure.of(
                                        Failure.Kind.ALREADY_CONFIGURED,
                                        "the container is configured already: create another"));
                    }
                    used = !config.initCommand().isEmpty();
                    output[0] = MemFd.writable("output of the init command");
                    return ConfHandler.start(
                            config,
                            init.ids(),
                            settings.plans().find(config, init.ids()),
                            output[0],
                            (known, plan) -> {
                                configured = known;
                                settings.plans().remember(plan);
                            });
                },
                () -> {
                    if (output[0] != null) {
                        output[0].close();
                    }
                },
                Optional.empty(),
                settings.configuring());
    }

    private Task<ExecveReply> execute(Execute execute) {
        return new Task<>(
                "execve",
                execute.replyTo(),
                failure -> failure,
                () -> {
                    ContainerContext known = configured;
                    if (known == null) {
                        return new Exchange.Done<>(notConfigured());
                    }
                    if (execute.request().announceStart() != execute.started().isPresent()) {
                        return new Exchange.Done<>(
                                Failure.of(
                                        Failure.Kind.INVALID_REQUEST,
                                        "a start is announced when the request asks for it and"
                                                + " somebody is there to be told"));
                    }
                    return run(execute, known);
                },
                execute.descriptors()::close,
                Optional.of(execute),
                deadline(execute.request().limits(), settings.grace()));
    }

    /**
     * When a run must have been answered.
     *
     * @param grace beyond its wall time; at a small CPU rate, a program's start and end take as
     *     much longer as its work
     */
    public static Duration deadline(Limits limits, Duration grace) {
        int slower = Math.max(1, WHOLE_CORE / limits.cpuRate().orElse(WHOLE_CORE));
        return limits.wallTime().plus(grace.multipliedBy(slower));
    }

    private Exchange<ExecveReply> run(Execute execute, ContainerContext configuration)
            throws IOException {
        latest = execute.run();
        Execve request = execute.request();
        Optional<Failure> unfit = ExecveHandler.check(request, execute.descriptors());
        if (unfit.isPresent()) {
            return new Exchange.Done<>(unfit.get());
        }
        String profile = request.seccomp().profile();
        Optional<SeccompFilter> filter = settings.filters().apply(profile);
        if (filter.isEmpty()) {
            return new Exchange.Done<>(
                    Failure.of(
                            Failure.Kind.INVALID_REQUEST,
                            profile,
                            "there is no seccomp profile of this name"));
        }
        Grouped groups = grouped;
        if (groups == null) {
            throw new IllegalStateException("a run before the container has its groups");
        }
        listener = filter.get().listener();
        ExecveHandler known = handler;
        if (known != null && !known.fits(request, filter.get())) {
            known = null;
        }
        Enforcement enforcement;
        try {
            enforcement =
                    known == null
                            ? Enforcement.of(
                                    request,
                                    settings.cgroups(),
                                    configuration.ids().isSingle(),
                                    groups.cores())
                            : known.enforcement();
        } catch (Enforcement.NotEnforceable e) {
            return new Exchange.Done<>(e.failure());
        }
        CgroupRun group;
        try {
            group = groups.cgroup().begin(enforcement.group());
        } catch (IOException e) {
            return new Exchange.Done<>(
                    Failure.of(
                            Failure.Kind.NOT_ENFORCEABLE,
                            "the kernel refuses a limit: " + e.getMessage()));
        }
        try {
            if (known == null || !known.fits(group)) {
                known =
                        ExecveHandler.of(
                                request,
                                execute.descriptors(),
                                configuration,
                                new ExecveHandler.Resources(
                                        filter.get(),
                                        settings.landlock(),
                                        enforcement,
                                        init.oomScore()),
                                group);
                handler = known.isWorthKeeping() ? known : null;
            }
            Exchange<ExecveReply> exchange = known.start(execute.descriptors(), group);
            used = true;
            return exchange;
        } catch (RuntimeException e) {
            group.close();
            throw e;
        }
    }

    /** Reading so many files of the kernel's would keep other containers waiting. */
    private void look(ActorRef<Looked> replyTo) {
        context.pipeToSelf(
                CompletableFuture.supplyAsync(
                        () -> ThreadLook.at(init.pid()),
                        context.getSystem().dispatchers().lookup(DispatcherSelector.blocking())),
                (seen, bug) -> new HasLooked(bug == null ? seen : Optional.empty(), replyTo));
    }

    /** If init lives, its number has been its own all the time. */
    private void onLooked(HasLooked looked) {
        boolean known;
        try {
            known = !init.pidfd().hasExited();
        } catch (IOException e) {
            known = false;
        }
        looked.replyTo().tell(known ? new Looked(looked.seen()) : Looked.NOTHING);
    }

    private static Failure notConfigured() {
        return Failure.of(
                Failure.Kind.NOT_CONFIGURED, "the container has no file system yet: send conf");
    }

    // ---- driving a command -------------------------------------------------------------------

    private Behavior<Command> begin(Task<?> task) {
        return beginTyped(task);
    }

    private <R> Behavior<Command> beginTyped(Task<R> task) {
        try {
            return drive(task, task.begin().begin(), task.run());
        } catch (ProgramTooLargeException e) {
            task.fail(Failure.of(Failure.Kind.TOO_LARGE, String.valueOf(e.getMessage())));
            return next();
        } catch (IOException | RuntimeException e) {
            try (LogIds ids = LogIds.of(latest, init.pid())) {
                LOG.error("{} in container {} could not begin", task.name(), init.pid(), e);
            }
            task.fail(Failure.of(Failure.Kind.INTERNAL, task.name() + " could not begin"));
            return next();
        }
    }

    private <R> Behavior<Command> drive(
            Task<R> task, Exchange<R> exchange, Optional<Execute> watched) {
        return switch (exchange) {
            case Exchange.Run<R> run -> send(task, run, watched);
            case Exchange.Done<R>(R reply) -> {
                finish(task, reply);
                yield next();
            }
            case Exchange.Doomed<R>(R reply, String reason) -> {
                finish(task, reply);
                yield close(reason);
            }
        };
    }

    private <R> void finish(Task<R> task, R reply) {
        timers.cancel(DEADLINE);
        task.resources().run();
        task.replyTo().tell(reply);
    }

    @SuppressWarnings("unchecked") // a run's replies are ExecveReply
    private <R> Behavior<Command> send(
            Task<R> task, Exchange.Run<R> run, Optional<Execute> watched) {
        serial = serial == Integer.MAX_VALUE ? 1 : serial + 1;
        if (LOG.isDebugEnabled()) {
            try (LogIds ids = LogIds.of(latest, init.pid())) {
                LOG.debug(
                        "container {} runs {}:\n{}",
                        init.pid(),
                        run.program().name(),
                        run.program().listing());
            }
        }
        Runnable sent = watched.isPresent() ? task.resources() : () -> {};
        sender.tell(new Sender.Send(serial, run.program(), sent));
        if (watched.isPresent()) {
            waitPid.tell(
                    new WaitPid.Watch(
                            (Exchange.Then<ExecveReply>) run.then(),
                            watched.get().started(),
                            listener,
                            task.deadline(),
                            settings.deadline()));
        } else {
            timers.startSingleTimer(DEADLINE, new DeadlinePassed(serial), task.deadline());
        }
        return new Busy<>(context, task, run, watched.isPresent());
    }

    private Behavior<Command> next() {
        Task<?> task = queue.poll();
        return task == null ? idle : begin(task);
    }

    private Behavior<Command> close(String reason) {
        try (LogIds ids = LogIds.of(latest, init.pid())) {
            LOG.warn("container {} is destroyed: {}", init.pid(), reason);
        }
        return end(reason);
    }

    private Behavior<Command> end(String reason) {
        timers.cancel(DEADLINE);
        Failure failure = Failure.of(Failure.Kind.CONTAINER_LOST, reason);
        queue.forEach(task -> task.fail(failure));
        queue.clear();
        reaper.tell(new Reaper.End(context.getSelf()));
        return new Closing(context, failure);
    }

    // ---- states ------------------------------------------------------------------------------

    /** Waits for a command. */
    private final class Idle extends AbstractOnMessageBehavior<Command> {
        Idle(ActorContext<Command> context) {
            super(context);
        }

        @Override
        public Behavior<Command> onMessage(Command command) {
            return switch (command) {
                case Received(ProgramResult result) -> {
                    result.closeDescriptors(); // the answer to a kill that came too late
                    yield this;
                }
                case Destroy destroy -> end("the container was destroyed");
                case Lost(String reason) -> close(reason);
                case Grouped groups -> {
                    grouped = groups;
                    yield this;
                }
                case Look(ActorRef<Looked> replyTo) -> {
                    replyTo.tell(Looked.NOTHING);
                    yield this;
                }
                case HasLooked looked -> {
                    onLooked(looked);
                    yield this;
                }
                default ->
                        taskOf(command).<Behavior<Command>>map(Container.this::begin).orElse(this);
            };
        }
    }

    /** Waits for init, on behalf of a command. */
    private final class Busy<R> extends AbstractOnMessageBehavior<Command> {
        private final Task<R> task;
        private final Exchange.Run<R> run;
        private final boolean watched;
        private final int expected = serial;
        private final long since = System.nanoTime();

        Busy(ActorContext<Command> context, Task<R> task, Exchange.Run<R> run, boolean watched) {
            super(context);
            this.task = task;
            this.run = run;
            this.watched = watched;
        }

        @Override
        public Behavior<Command> onMessage(Command command) {
            return switch (command) {
                case Received(ProgramResult result) -> onReceived(result);
                case RunEnded(Exchange<ExecveReply> next) -> onRunEnded(next);
                case Ping ping when task.run().isPresent() -> {
                    Duration age = Duration.ofNanos(System.nanoTime() - since);
                    ping.replyTo().tell(Pong.executing(age));
                    yield this;
                }
                case Look(ActorRef<Looked> replyTo) -> {
                    if (task.run().isPresent()) {
                        look(replyTo);
                    } else {
                        replyTo.tell(Looked.NOTHING);
                    }
                    yield this;
                }
                case HasLooked looked -> {
                    onLooked(looked);
                    yield this;
                }
                case Kill kill -> {
                    if (task.run().isPresent()) {
                        waitPid.tell(new WaitPid.Kill());
                    } else {
                        refuseQueued();
                    }
                    yield this;
                }
                case Proceed proceed -> {
                    waitPid.tell(new WaitPid.Proceed());
                    yield this;
                }
                case DeadlinePassed(int late) when late == expected ->
                        fail(Failure.Kind.DEADLINE, "init did not answer in time");
                case Grouped groups -> {
                    grouped = groups;
                    yield this;
                }
                case Destroy destroy -> {
                    abandon(Failure.Kind.CONTAINER_LOST, "the container was destroyed");
                    yield end("the container was destroyed");
                }
                case Lost(String reason) -> fail(Failure.Kind.CONTAINER_LOST, reason);
                default -> {
                    taskOf(command).ifPresent(Container.this::enqueue);
                    yield this;
                }
            };
        }

        private Behavior<Command> onReceived(ProgramResult result) {
            if (result.serial() != expected) {
                result.closeDescriptors();
                return this;
            }
            if (watched) {
                waitPid.tell(new WaitPid.Answer(result));
                return this;
            }
            try {
                return drive(task, run.then().apply(result), Optional.empty());
            } catch (BadReplyException | RuntimeException e) {
                result.closeDescriptors();
                try (LogIds ids = LogIds.of(latest, init.pid())) {
                    LOG.error("{} in container {}", task.name(), init.pid(), e);
                }
                return fail(Failure.Kind.CONTAINER_LOST, "init's answer cannot be");
            }
        }

        @SuppressWarnings("unchecked") // only a run's own end comes here
        private Behavior<Command> onRunEnded(Exchange<ExecveReply> next) {
            return drive(task, (Exchange<R>) next, Optional.empty());
        }

        private Behavior<Command> fail(Failure.Kind kind, String reason) {
            abandon(kind, reason);
            return close(task.name() + ": " + reason);
        }

        private void abandon(Failure.Kind kind, String reason) {
            if (run.then() instanceof AutoCloseable held) { // descriptors of earlier rounds
                closeQuietly(held);
            }
            task.fail(Failure.of(kind, reason));
        }
    }

    private void closeQuietly(AutoCloseable held) {
        try {
            held.close();
        } catch (Exception e) {
            try (LogIds ids = LogIds.of(latest, init.pid())) {
                LOG.warn("cannot close what a command held", e);
            }
        }
    }

    /** The first program that waits will not run. */
    private void refuseQueued() {
        for (Task<?> waiting : queue) {
            if (waiting.run().isPresent()) {
                queue.remove(waiting);
                waiting.fail(killedBeforeItsStart());
                return;
            }
        }
    }

    /** The answer to a program that has not run and will not. */
    public static Failure killedBeforeItsStart() {
        return Failure.of(Failure.Kind.REFUSED, "killed before the program's start");
    }

    private void enqueue(Task<?> task) {
        if (queue.size() < settings.queue()) {
            queue.add(task);
        } else {
            task.fail(
                    Failure.of(
                            Failure.Kind.BUSY,
                            "%d commands wait already: try again later".formatted(queue.size())));
        }
    }

    /**
     * Waits for the reaper, then for the receiver, so that no descriptor is left in a reply that
     * nobody reads; whoever still asks is told that the container is lost.
     */
    private final class Closing extends AbstractOnMessageBehavior<Command> {
        private final Failure failure;

        Closing(ActorContext<Command> context, Failure failure) {
            super(context);
            this.failure = failure;
        }

        @Override
        public Behavior<Command> onMessage(Command command) {
            return switch (command) {
                case Gone gone -> {
                    context.watch(receiver);
                    context.stop(receiver);
                    yield this;
                }
                case Ping ping -> {
                    ping.replyTo().tell(Pong.of(ContainerState.CLOSING));
                    yield this;
                }
                case Received(ProgramResult result) -> {
                    result.closeDescriptors();
                    yield this;
                }
                case Look(ActorRef<Looked> replyTo) -> {
                    replyTo.tell(Looked.NOTHING);
                    yield this;
                }
                case HasLooked(var seen, ActorRef<Looked> replyTo) -> {
                    replyTo.tell(Looked.NOTHING);
                    yield this;
                }
                default -> {
                    taskOf(command).ifPresent(task -> task.fail(failure));
                    yield this;
                }
            };
        }

        @Override
        public Behavior<Command> onSignal(Signal signal) {
            return signal instanceof Terminated ? Behaviors.stopped() : this;
        }
    }
}
