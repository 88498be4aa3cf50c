// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import akka.actor.DeadLetterSuppression;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.PidFd;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.program.BadReplyException;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.nativeio.seccomp.SeccompFilter.Listener;
import io.cloister.nativeio.seccomp.SeccompListener;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.run.Evidence;
import io.cloister.supervisor.handler.Exchange;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Watches one run at a time: announces its start, passes on the caller's leave or a kill, and turns
 * init's answer into the run's outcome. init itself enforces the wall time limit; this actor's
 * deadline is for an init that does not answer, and costs the container.
 */
final class WaitPid extends AbstractBehavior<WaitPid.Command> {
    private static final String DEADLINE = "deadline";
    private static final String LEAVE = "leave";

    /** A message that init answers with a serial that nobody waits for. */
    private static final int UNMATCHED = 0;

    sealed interface Command {}

    /**
     * A run has been sent.
     *
     * @param listener what the run's seccomp filter is listened to for
     * @param limit when init must have answered
     * @param leave how long the caller may think about an announced start
     */
    record Watch(
            Exchange.Then<ExecveReply> then,
            Optional<ActorRef<Container.Started>> started,
            Listener listener,
            Duration limit,
            Duration leave)
            implements Command {}

    /** What init says of the run. */
    record Answer(ProgramResult result) implements Command {}

    record Proceed() implements Command {}

    record Kill() implements Command {}

    /** From the thread that listens to the run's seccomp filter. */
    private record Calls(CallWatch.Event event) implements Command, DeadLetterSuppression {}

    private record DeadlinePassed() implements Command {}

    private final TimerScheduler<Command> timers;
    private final ActorRef<Container.Command> router;
    private final ActorRef<Sender.Send> sender;
    private @Nullable Watch watch;
    private @Nullable PidFd waiting;
    private boolean announced;
    private boolean refused;
    private boolean asked;
    private boolean listening;
    private @Nullable String disallowed;
    private List<String> observed = List.of();
    private @Nullable ProgramResult last;

    private WaitPid(
            ActorContext<Command> context,
            TimerScheduler<Command> timers,
            ActorRef<Container.Command> router,
            ActorRef<Sender.Send> sender) {
        super(context);
        this.timers = timers;
        this.router = router;
        this.sender = sender;
    }

    static Behavior<Command> create(
            ActorRef<Container.Command> router, ActorRef<Sender.Send> sender) {
        return Behaviors.setup(context ->
                Behaviors.withTimers(timers -> new WaitPid(context, timers, router, sender)));
    }

    @Override
    public Receive<Command> createReceive() {
        return newReceiveBuilder()
                .onMessage(Watch.class, this::onWatch)
                .onMessage(Answer.class, this::onAnswer)
                .onMessage(Proceed.class, proceed -> onProceed())
                .onMessage(Kill.class, kill -> onKillAsked())
                .onMessage(Calls.class, this::onCalls)
                .onMessage(DeadlinePassed.class, passed -> onDeadline())
                .onSignal(PostStop.class, stop -> onStop())
                .build();
    }

    private Behavior<Command> onWatch(Watch watch) {
        this.watch = watch;
        announced = false;
        refused = false;
        asked = false;
        disallowed = null;
        observed = List.of();
        timers.startSingleTimer(DEADLINE, new DeadlinePassed(), watch.limit());
        return this;
    }

    private Behavior<Command> onAnswer(Answer answer) {
        ProgramResult result = answer.result();
        Watch current = watch;
        if (current == null) {
            result.closeDescriptors();
            return this;
        }
        if (!result.early()) {
            last = result;
            return listening ? this : end(current, result);
        }
        boolean starts = current.started().isPresent() && !announced;
        boolean listens = current.listener() != Listener.NONE && !listening;
        if (result.descriptors().size() != 1 || !(starts || listens)) {
            result.closeDescriptors();
            return lose("init announced something that it was not asked to");
        }
        Fd descriptor = result.descriptors().getFirst();
        return starts ? announce(current, descriptor) : listen(current, descriptor);
    }

    private Behavior<Command> listen(Watch current, Fd descriptor) {
        listening = true;
        ActorRef<Command> self = getContext().getSelf();
        CallWatch.start(
                new SeccompListener(descriptor),
                current.listener(),
                current.limit(),
                event -> self.tell(new Calls(event)));
        return this;
    }

    private Behavior<Command> onCalls(Calls calls) {
        return switch (calls.event()) {
            case CallWatch.Disallowed(String call) -> {
                disallowed = call;
                yield onKill();
            }
            case CallWatch.Over(List<String> seen) -> onCallsOver(seen);
            case CallWatch.Failed(String reason) -> lose(reason);
        };
    }

    /** Only now is it certain that no call was missed. */
    private Behavior<Command> onCallsOver(List<String> seen) {
        listening = false;
        observed = seen;
        Watch current = watch;
        ProgramResult result = last;
        return current == null || result == null ? this : end(current, result);
    }

    private Behavior<Command> announce(Watch current, Fd descriptor) {
        PidFd pidfd = new PidFd(descriptor);
        waiting = pidfd;
        announced = true;
        if (refused) {
            return onKill();
        }
        timers.startSingleTimer(LEAVE, new Kill(), current.leave());
        try {
            OptionalInt pid = pidfd.pid();
            if (pid.isPresent()) {
                PidFd theirs = new PidFd(descriptor.duplicate());
                current.started().get().tell(new Container.Started(pid.getAsInt(), theirs, router));
            }
        } catch (IOException e) {
            return lose("cannot look at the announced process: " + e.getMessage());
        }
        return this;
    }

    /** The child waits for any message at all. */
    private Behavior<Command> onProceed() {
        if (waiting != null) {
            forget();
            sendSign();
        }
        return this;
    }

    private Behavior<Command> onKillAsked() {
        asked = true;
        return onKill();
    }

    /**
     * A child that waits for leave is killed directly; a message would be its leave. So it is when
     * a kill comes before the announcement.
     */
    private Behavior<Command> onKill() {
        PidFd child = waiting;
        if (child != null) {
            try {
                child.signal(Linux.SIGKILL);
            } catch (IOException e) {
                return lose("cannot kill the announced process: " + e.getMessage());
            } finally {
                forget();
            }
        } else if (watch != null && watch.started().isPresent() && !announced) {
            refused = true;
        } else if (watch != null) {
            sendSign();
        }
        return this;
    }

    private void sendSign() {
        sender.tell(new Sender.Send(UNMATCHED, SyscallProgram.EMPTY, () -> {}));
    }

    private Behavior<Command> end(Watch current, ProgramResult result) {
        timers.cancel(DEADLINE);
        forget();
        watch = null;
        last = null;
        try {
            router.tell(new Container.RunEnded(withCalls(current.then().apply(result))));
        } catch (BadReplyException | RuntimeException e) {
            return lose("init's account of a run cannot be: " + e.getMessage());
        }
        return this;
    }

    /** Adds what the filter's listener has seen, and who it was that ended the run. */
    private Exchange<ExecveReply> withCalls(Exchange<ExecveReply> next) {
        if (disallowed == null && observed.isEmpty()) {
            return next;
        }
        if (!(next instanceof Exchange.Done<ExecveReply>(ExecveResult result))) {
            return next;
        }
        Evidence seen = result.evidence();
        return new Exchange.Done<>(
                new ExecveResult(
                        result.termination(),
                        result.usage(),
                        result.wallTime(),
                        result.setUpTime(),
                        result.limit(),
                        result.killed() && (asked || disallowed == null),
                        result.enforced(),
                        new Evidence(
                                seen.oomKills(),
                                seen.processesRefused(),
                                Optional.ofNullable(disallowed),
                                observed,
                                seen.idle())));
    }

    private Behavior<Command> onDeadline() {
        return watch == null ? this : lose("a run missed its deadline");
    }

    private Behavior<Command> lose(String reason) {
        router.tell(new Container.Lost(reason));
        return this;
    }

    private void forget() {
        timers.cancel(LEAVE);
        PidFd child = waiting;
        if (child != null) {
            child.close();
            waiting = null;
        }
    }

    private Behavior<Command> onStop() {
        forget();
        return this;
    }
}
