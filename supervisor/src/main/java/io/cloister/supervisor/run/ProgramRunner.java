// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.run;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.Terminated;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.cloister.nativeio.fd.Fd;
import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.container.SymbolicLink;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Linked;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.message.Symlink;
import io.cloister.protocol.message.SymlinkReply;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.CopyOut;
import io.cloister.protocol.run.Enforced;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Mechanism;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.container.OpenFailed;
import io.cloister.supervisor.container.OpenReply;
import io.cloister.supervisor.container.Opened;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.io.Collected;
import io.cloister.supervisor.io.FileCopies;
import io.cloister.supervisor.io.FileException;
import io.cloister.supervisor.io.Flow;
import io.cloister.supervisor.io.Pty;
import io.cloister.supervisor.io.StreamCollector;
import io.cloister.supervisor.io.Streams;
import io.cloister.supervisor.observe.LogIds;
import io.cloister.supervisor.observe.Metrics;
import io.cloister.supervisor.observe.ProgramTrace;
import io.cloister.supervisor.observe.RunIds;
import io.cloister.supervisor.pool.ContainerSupervisor;
import io.cloister.supervisor.run.Verdicts.Ended;
import io.cloister.supervisor.run.Verdicts.Verdict;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs one program: takes a container, copies files in, waits for leave to start, executes, copies
 * files out, tells the outcome once, and gives the container back.
 *
 * <p>Whatever fails on the way is part of the outcome. After a program that was executed, when no
 * answer to anything is outstanding, the actor waits for another one, since to make and end an
 * actor takes longer than all that it does for a run; otherwise it ends.
 */
final class ProgramRunner extends AbstractOnMessageBehavior<ProgramRunner.Command> {
    private static final Logger LOG = LoggerFactory.getLogger(ProgramRunner.class);

    /** Copies of more bytes than this leave the containers' thread to others meanwhile. */
    private static final long COPIED_AT_ONCE = 64 * 1024;

    sealed interface Command {}

    /**
     * Prepare a program. Sent to a new runner, and to one that is ready for another.
     *
     * @param listener told what comes of it
     */
    record Prepare(Program program, Listener listener, RunIds ids, ProgramTrace trace)
            implements Command {}

    /** Start, with these descriptors beside those of the program's own streams. */
    record Start(Map<Integer, Fd> descriptors) implements Command {}

    /**
     * End a program, or do not start it.
     *
     * @param listener of the program, for the runner may have another by now
     */
    record End(Listener listener, Ended reason) implements Command {}

    private record Acquired(ContainerSupervisor.AcquireReply reply) implements Command {}

    private record WasOpened(OpenReply reply) implements Command {}

    private record WasLinked(SymlinkReply reply) implements Command {}

    private record WasExecuted(ExecveReply reply) implements Command {}

    private record InputsOpened(Map<Integer, Fd> inputs, Optional<Failure> failure)
            implements Command {}

    private record CopiedIn(Optional<Failure> failure) implements Command {}

    private record CopiedOut(Map<String, Content> files, Optional<Failure> failure)
            implements Command {}

    /** What whoever runs a program is told, in this order; the last one always. */
    interface Listener {
        /** The container is ready and the files are in it: {@link Start} is waited for. */
        void prepared(ActorRef<Container.Command> container);

        /** It starts, with these streams that the worker passes on. */
        void started(List<Flow> flows);

        /**
         * It is over.
         *
         * @param lease to be given back by the listener, which may have more urgent things to do
         *     first; then the runner takes another program. Without one it has seen to that, and
         *     ends.
         */
        void done(ProgramOutcome outcome, Optional<ContainerSupervisor.Lease> lease);
    }

    /** What runners share. */
    record Worker(
            ActorRef<ContainerSupervisor.Command> supervisor,
            StreamCollector collector,
            FileCopies files,
            Metrics metrics) {}

    private final Ready ready;
    private final Worker worker;
    private final Prepare task;
    private final long since = System.nanoTime();
    private final Map<Integer, Collected> collected = new TreeMap<>();
    private final Map<Integer, Fd> descriptors = new HashMap<>();
    private List<List<CopyIn>> toCopyIn = new ArrayList<>();
    private ContainerSupervisor.@Nullable Lease lease;
    private @Nullable Pty terminal;
    private Optional<Ended> ended = Optional.empty();
    private boolean executing;
    private boolean told;
    private @Nullable ExecveResult result;
    private Map<Integer, Output> outputs = Map.of();

    /** Waits for a program. */
    private static final class Ready extends AbstractOnMessageBehavior<Command> {
        private final ActorContext<Command> context;
        private final Worker worker;
        private final ActorRef<Command> self;
        private final Executor blocking;
        private final ActorRef<ContainerSupervisor.AcquireReply> acquired;
        private final ActorRef<SymlinkReply> linked;
        private final ActorRef<OpenReply> opened;
        private final ActorRef<ExecveReply> executed;

        /** The latest program's: another one's is often the same. */
        private @Nullable Execve latest;

        Ready(ActorContext<Command> context, Worker worker) {
            super(context);
            this.context = context;
            this.worker = worker;
            self = context.getSelf();
            blocking = context.getSystem().dispatchers().lookup(DispatcherSelector.blocking());
            acquired =
                    context.messageAdapter(ContainerSupervisor.AcquireReply.class, Acquired::new);
            linked = context.messageAdapter(SymlinkReply.class, WasLinked::new);
            opened = context.messageAdapter(OpenReply.class, WasOpened::new);
            executed = context.messageAdapter(ExecveReply.class, WasExecuted::new);
        }

        @Override
        public Behavior<Command> onMessage(Command command) {
            if (!(command instanceof Prepare prepare)) {
                return this; // the end of a program that has ended
            }
            worker.supervisor().tell(new ContainerSupervisor.Acquire(Optional.of(self), acquired));
            return new ProgramRunner(this, prepare);
        }

        @Override
        public Behavior<Command> onSignal(Signal signal) {
            return this; // the end of a container that it has given back
        }
    }

    private ProgramRunner(Ready ready, Prepare task) {
        super(ready.context);
        this.ready = ready;
        this.worker = ready.worker;
        this.task = task;
    }

    /** The behaviour of a runner that waits for its first program. */
    static Behavior<Command> create(Worker worker) {
        return Behaviors.setup(context -> new Ready(context, worker));
    }

    @Override
    public Behavior<Command> onMessage(Command command) {
        try {
            return step(command);
        } catch (RuntimeException e) {
            try (LogIds ids = logIds()) {
                LOG.error("a run failed at {}", command.getClass().getSimpleName(), e);
            }
            return notRun(
                    Status.INTERNAL_ERROR,
                    Failure.of(Failure.Kind.INTERNAL, "the run could not be carried out"));
        }
    }

    private LogIds logIds() {
        return lease == null ? LogIds.of(task.ids()) : LogIds.of(task.ids(), lease.init());
    }

    private Behavior<Command> step(Command command) {
        return switch (command) {
            case Prepare another ->
                    throw new IllegalStateException("a program for a runner that has one");
            case Acquired(ContainerSupervisor.NotAcquired(Failure failure)) ->
                    notRun(Status.INTERNAL_ERROR, failure);
            case Acquired(ContainerSupervisor.Lease taken) -> {
                lease = taken;
                task.trace().taken(taken.init(), taken.id());
                worker.metrics()
                        .listener()
                        .containerTaken(Duration.ofNanos(System.nanoTime() - since));
                getContext().watch(taken.container());
                toCopyIn = batches(task.program().copyIn());
                yield copyIn();
            }
            case WasOpened(OpenReply reply) -> onOpened(reply);
            case WasLinked(SymlinkReply reply) ->
                    switch (reply) {
                        case Failure failure -> notRun(Verdicts.of(failure), failure);
                        case Linked links when !links.errors().isEmpty() ->
                                notRun(
                                        Status.FILE_ERROR,
                                        links.errors().values().iterator().next());
                        case Linked links -> copyIn();
                    };
            case CopiedIn(Optional<Failure> failure) ->
                    failure.isPresent() ? notRun(Status.FILE_ERROR, failure.get()) : copyIn();
            case InputsOpened(Map<Integer, Fd> inputs, Optional<Failure> failure) -> {
                descriptors.putAll(inputs);
                yield failure.isPresent() ? notRun(Status.FILE_ERROR, failure.get()) : prepared();
            }
            case Start(Map<Integer, Fd> given) -> start(given);
            case End(Listener of, Ended reason) -> of.equals(task.listener()) ? end(reason) : this;
            case WasExecuted(Failure failure) -> notRun(Verdicts.of(failure), failure);
            case WasExecuted(ExecveResult ran) -> onResult(ran);
            case CopiedOut(Map<String, Content> files, Optional<Failure> failure) ->
                    tell(files, failure);
        };
    }

    @Override
    public Behavior<Command> onSignal(Signal signal) {
        if (signal instanceof Terminated terminated) {
            return onTerminated(terminated.getRef());
        }
        if (signal instanceof PostStop) {
            release();
            tellNotRun(
                    Status.INTERNAL_ERROR,
                    Failure.of(Failure.Kind.UNAVAILABLE, "the worker is shutting down"));
        }
        return this;
    }

    /** A container answers while it lives; this is between commands. */
    private Behavior<Command> onTerminated(ActorRef<?> container) {
        return lease != null && container.equals(lease.container())
                ? notRun(
                        Status.INTERNAL_ERROR,
                        Failure.of(Failure.Kind.CONTAINER_LOST, "the container has ended"))
                : this; // an earlier program's
    }

    // ---- files in ----------------------------------------------------------------------------

    /** In order, neighbours of one kind together. */
    private static List<List<CopyIn>> batches(List<CopyIn> all) {
        List<List<CopyIn>> batches = new ArrayList<>();
        for (CopyIn each : all) {
            List<CopyIn> last = batches.isEmpty() ? List.of() : batches.getLast();
            boolean fits =
                    !last.isEmpty()
                            && last.getFirst().getClass().equals(each.getClass())
                            && last.size() < Math.min(Open.MAX_FILES, Symlink.MAX_LINKS)
                            && last.stream().noneMatch(other -> other.path().equals(each.path()));
            if (fits) {
                last.add(each);
            } else {
                batches.add(new ArrayList<>(List.of(each)));
            }
        }
        return batches;
    }

    private Behavior<Command> copyIn() {
        if (ended.isPresent()) {
            return cancelled();
        }
        if (toCopyIn.isEmpty()) {
            return openInputs();
        }
        List<CopyIn> batch = toCopyIn.getFirst();
        List<OpenFile> files = new ArrayList<>();
        List<SymbolicLink> links = new ArrayList<>();
        for (CopyIn each : batch) {
            switch (each) {
                case CopyIn.File file ->
                        files.add(OpenFile.create(file.path(), file.mode()).withParents());
                case CopyIn.Link link ->
                        links.add(new SymbolicLink(absolute(link.path()), link.target()));
            }
        }
        if (links.isEmpty()) {
            container().tell(new Container.OpenFiles(new Open(files), ready.opened));
        } else {
            toCopyIn.removeFirst();
            container().tell(new Container.MakeSymlinks(new Symlink(links), ready.linked));
        }
        return this;
    }

    private String absolute(String path) {
        return path.startsWith("/") ? path : lease().workDirectory() + "/" + path;
    }

    private Behavior<Command> onOpened(OpenReply reply) {
        return switch (reply) {
            case OpenFailed(Failure failure) when result == null ->
                    notRun(Verdicts.of(failure), failure);
            case OpenFailed(Failure failure) -> tell(Map.of(), Optional.of(failure));
            case Opened files when result == null -> {
                List<CopyIn> batch = toCopyIn.removeFirst();
                if (!files.errors().isEmpty()) {
                    files.close();
                    yield notRun(Status.FILE_ERROR, files.errors().values().iterator().next());
                }
                long bytes = batch.stream().mapToLong(ProgramRunner::size).sum();
                yield offThread(bytes > COPIED_AT_ONCE, () -> new CopiedIn(writeAll(batch, files)));
            }
            case Opened files -> offThread(true, () -> readAll(files));
        };
    }

    private Behavior<Command> openInputs() {
        Map<Integer, Content> inputs = new TreeMap<>();
        task.program()
                .streams()
                .forEach((number, stream) -> {
                    if (stream instanceof Stream.Input(Content content)) {
                        inputs.put(number, content);
                    }
                });
        if (inputs.isEmpty()) {
            return prepared();
        }
        long bytes = inputs.values().stream().mapToLong(ProgramRunner::size).sum();
        return offThread(bytes > COPIED_AT_ONCE, () -> open(inputs));
    }

    private InputsOpened open(Map<Integer, Content> inputs) {
        Map<Integer, Fd> opened = new HashMap<>();
        try {
            for (Map.Entry<Integer, Content> input : inputs.entrySet()) {
                opened.put(input.getKey(), worker.files().open(input.getValue()));
            }
            return new InputsOpened(opened, Optional.empty());
        } catch (FileException e) {
            return new InputsOpened(opened, Optional.of(e.failure()));
        } catch (IOException e) {
            return new InputsOpened(
                    opened,
                    Optional.of(Failure.of(Failure.Kind.SYSCALL, "open input: " + e.getMessage())));
        }
    }

    private Behavior<Command> prepared() {
        if (ended.isPresent()) {
            return cancelled();
        }
        task.listener().prepared(container());
        return this;
    }

    /** How much there is to be written. */
    private static long size(CopyIn each) {
        if (each instanceof CopyIn.File file) {
            return file.content() instanceof Content.Stored
                    ? COPIED_AT_ONCE + 1
                    : size(file.content());
        }
        return 0;
    }

    /** How much there may be to be copied: what is stored is not, a host's file may be long. */
    private static long size(Content content) {
        return switch (content) {
            case Content.Inline(Bytes bytes) -> bytes.length();
            case Content.Stored stored -> 0;
            case Content.HostFile file -> Long.MAX_VALUE / Program.MAX_FILES;
        };
    }

    private Behavior<Command> offThread(boolean off, Supplier<Command> work) {
        if (!off) {
            return step(work.get());
        }
        getContext()
                .pipeToSelf(
                        CompletableFuture.supplyAsync(work, ready.blocking),
                        (done, bug) -> done != null ? done : notCopied(bug));
        return this;
    }

    private Command notCopied(Throwable bug) {
        try (LogIds ids = logIds()) {
            LOG.error("cannot copy files of a run", bug);
        }
        Optional<Failure> failure =
                Optional.of(Failure.of(Failure.Kind.INTERNAL, "files could not be copied"));
        return result == null ? new CopiedIn(failure) : new CopiedOut(Map.of(), failure);
    }

    private Optional<Failure> writeAll(List<CopyIn> batch, Opened files) {
        try (files) {
            for (CopyIn each : batch) {
                if (each instanceof CopyIn.File file) {
                    Fd into = files.files().get(file.path());
                    if (into == null) {
                        return Optional.of(
                                Failure.of(Failure.Kind.INTERNAL, file.path(), "was not opened"));
                    }
                    worker.files().write(file.content(), into);
                }
            }
            return Optional.empty();
        } catch (FileException e) {
            return Optional.of(e.failure());
        } catch (IOException e) {
            return Optional.of(Failure.of(Failure.Kind.SYSCALL, "copy in: " + e.getMessage()));
        }
    }

    // ---- the program -------------------------------------------------------------------------

    private Behavior<Command> start(Map<Integer, Fd> given) {
        descriptors.putAll(given);
        if (ended.isPresent()) {
            return cancelled();
        }
        try {
            for (Map.Entry<Integer, Stream> entry : task.program().streams().entrySet()) {
                int number = entry.getKey();
                switch (entry.getValue()) {
                    case Stream.Null none -> {
                        if (number > 2) { // these three init has open already
                            descriptors.put(number, Streams.none());
                        }
                    }
                    case Stream.Input input -> {} // open already
                    case Stream.Collect collect -> collect(number, collect);
                    case Stream.Given none -> {
                        if (!descriptors.containsKey(number)) {
                            return notRun(
                                    Status.INTERNAL_ERROR,
                                    Failure.of(
                                            Failure.Kind.BAD_DESCRIPTOR,
                                            "stream %d did not come with the run"
                                                    .formatted(number)));
                        }
                    }
                }
            }
            openTerminal();
        } catch (IOException e) {
            return notRun(
                    Status.INTERNAL_ERROR,
                    Failure.of(Failure.Kind.SYSCALL, "open streams: " + e.getMessage()));
        }
        return execute();
    }

    private void collect(int number, Stream.Collect request) throws IOException {
        ByteSize max =
                task.program()
                        .limits()
                        .output()
                        .filter(limit -> limit.compareTo(request.max()) < 0)
                        .orElse(request.max());
        Collected stream = worker.collector().collect(max, request.truncate(), this::tooMuchOutput);
        collected.put(number, stream);
        descriptors.put(number, stream.forProgram());
    }

    private void openTerminal() throws IOException {
        if (task.program().terminal().isPresent()) {
            Pty pty =
                    worker.collector()
                            .openTerminal(task.program().terminal().get(), this::tooMuchOutput);
            terminal = pty;
            descriptors.putAll(pty.forProgram());
        }
    }

    /** On the collector's thread. */
    private void tooMuchOutput() {
        ready.self.tell(new End(task.listener(), Ended.OUTPUT));
    }

    private Behavior<Command> execute() {
        Execve execve;
        try {
            execve = request();
        } catch (InvalidRequest e) { // argv and environment together are bounded there only
            return notRun(
                    Status.INTERNAL_ERROR,
                    Failure.of(Failure.Kind.INVALID_REQUEST, String.valueOf(e.getMessage())));
        }
        List<Flow> flows = new ArrayList<>(collected.values());
        if (terminal != null) {
            flows.add(terminal);
        }
        task.listener().started(flows);
        executing = true;
        task.trace().executing();
        container()
                .tell(
                        new Container.Execute(
                                execve,
                                ExecveDescriptors.of(descriptors),
                                Optional.empty(),
                                task.ids(),
                                ready.executed));
        descriptors.clear();
        return this;
    }

    private Execve request() {
        Program program = task.program();
        Limits limits =
                program.limits().output().isEmpty()
                        ? program.limits()
                        : program.limits().withoutOutput();
        OptionalInt terminal =
                program.terminal().isPresent() ? OptionalInt.of(0) : program.controllingTerminal();
        Execve latest = ready.latest;
        if (latest != null
                && latest.arguments().equals(program.arguments())
                && latest.environment().equals(program.environment())
                && latest.workDirectory().equals(program.workDirectory())
                && latest.controllingTerminal().equals(terminal)
                && latest.seccomp().equals(program.seccomp())
                && latest.limits().equals(limits)
                && latest.descriptors().size() == descriptors.size()
                && descriptors.keySet().containsAll(latest.descriptors())) {
            return latest;
        }
        Execve.Builder request =
                Execve.of(program.arguments())
                        .descriptors(descriptors.keySet())
                        .seccomp(program.seccomp())
                        .limits(limits);
        program.environment().ifPresent(request::environment);
        program.workDirectory().ifPresent(request::workDirectory);
        terminal.ifPresent(request::controllingTerminal);
        Execve built = request.build();
        ready.latest = built;
        return built;
    }

    private Behavior<Command> end(Ended reason) {
        if (ended.isEmpty()) {
            ended = Optional.of(reason);
        }
        if (executing) {
            container().tell(new Container.Kill());
        } else if (lease == null) { // a container may come yet: it goes back with this actor
            return cancelled();
        }
        return this;
    }

    private Behavior<Command> cancelled() {
        return notRun(
                Status.CANCELLED,
                Failure.of(Failure.Kind.REFUSED, "cancelled before the program's start"));
    }

    private Behavior<Command> onResult(ExecveResult ran) {
        executing = false;
        result = ran;
        task.trace().executed(ran);
        try {
            outputs = finishStreams();
        } catch (IOException e) {
            return notRun(
                    Status.INTERNAL_ERROR,
                    Failure.of(Failure.Kind.SYSCALL, "collect output: " + e.getMessage()));
        }
        if (task.program().copyOut().isEmpty()) {
            return tell(Map.of(), Optional.empty());
        }
        List<OpenFile> files =
                task.program().copyOut().stream().map(file -> OpenFile.read(file.path())).toList();
        container().tell(new Container.OpenFiles(new Open(files), ready.opened));
        return this;
    }

    private Map<Integer, Output> finishStreams() throws IOException {
        Map<Integer, Output> all = new LinkedHashMap<>();
        for (Map.Entry<Integer, Collected> entry : collected.entrySet()) {
            all.put(entry.getKey(), entry.getValue().finish());
        }
        Pty pty = terminal;
        if (pty != null) {
            all.put(1, pty.finish());
        }
        return all;
    }

    // ---- files out ---------------------------------------------------------------------------

    private CopiedOut readAll(Opened files) {
        Map<String, Content> contents = new LinkedHashMap<>();
        Optional<Failure> failure = Optional.empty();
        try (files) {
            for (CopyOut wanted : task.program().copyOut()) {
                Optional<Failure> failed = read(wanted, files, contents);
                failure = failure.isPresent() ? failure : failed;
            }
        }
        return new CopiedOut(contents, failure);
    }

    private Optional<Failure> read(CopyOut wanted, Opened files, Map<String, Content> contents) {
        Fd file = files.files().get(wanted.path());
        if (file == null) {
            Failure failure = files.errors().get(wanted.path());
            boolean missing = failure != null && failure.kind() == Failure.Kind.NOT_FOUND;
            return missing && wanted.optional()
                    ? Optional.empty()
                    : Optional.of(
                            failure != null
                                    ? failure
                                    : Failure.of(
                                            Failure.Kind.INTERNAL,
                                            wanted.path(),
                                            "neither opened nor refused"));
        }
        try {
            contents.put(
                    wanted.path(),
                    wanted.store()
                            ? worker.files().store(file, wanted.max())
                            : new Content.Inline(worker.files().read(file, wanted.max())));
            return Optional.empty();
        } catch (FileException e) {
            Failure failure = e.failure();
            return Optional.of(Failure.of(failure.kind(), wanted.path(), failure.message()));
        } catch (IOException e) {
            return Optional.of(
                    Failure.of(Failure.Kind.SYSCALL, wanted.path(), "copy out: " + e.getMessage()));
        }
    }

    // ---- the outcome -------------------------------------------------------------------------

    private Behavior<Command> tell(Map<String, Content> files, Optional<Failure> failure) {
        ExecveResult ran = result;
        if (ran == null) {
            throw new IllegalStateException("files of a program that did not run");
        }
        boolean overflow =
                outputs.entrySet().stream()
                                .anyMatch(entry ->
                                        entry.getValue().truncated()
                                                && !mayTruncate(entry.getKey()))
                        || (ran.killed() && ended.equals(Optional.of(Ended.OUTPUT)));
        Verdict verdict = Verdicts.of(ran, ended, overflow, failure);
        boolean idle = ended.equals(Optional.of(Ended.IDLE));
        Evidence evidence = idle ? ran.evidence().asIdle() : ran.evidence();
        List<Enforced> enforced = new ArrayList<>(ran.enforced());
        if (!collected.isEmpty() || terminal != null) {
            enforced.add(new Enforced(Limit.OUTPUT, Mechanism.COLLECTOR));
        }
        ProgramOutcome outcome =
                new ProgramOutcome(
                        verdict.status(),
                        failure,
                        Optional.of(ran.termination()),
                        verdict.limit(),
                        ran.usage(),
                        ran.wallTime(),
                        ran.setUpTime(),
                        outputs,
                        files,
                        enforced,
                        evidence);
        closeStreams();
        told = true;
        task.trace().end(outcome.status());
        task.listener().done(outcome, Optional.of(lease())); // nothing may fail after that
        return ready;
    }

    private boolean mayTruncate(int stream) {
        if (task.program().terminal().isPresent() && stream == 1) {
            return task.program().terminal().get().truncate();
        }
        return task.program().streams().get(stream) instanceof Stream.Collect collect
                && collect.truncate();
    }

    private Behavior<Command> notRun(Status status, Failure failure) {
        tellNotRun(status, failure);
        return Behaviors.stopped();
    }

    private void tellNotRun(Status status, Failure failure) {
        if (!told) {
            told = true;
            task.trace().end(status);
            task.listener().done(ProgramOutcome.notRun(status, failure), Optional.empty());
        }
    }

    private ActorRef<Container.Command> container() {
        return lease().container();
    }

    private ContainerSupervisor.Lease lease() {
        ContainerSupervisor.Lease held = lease;
        if (held == null) {
            throw new IllegalStateException("no container yet");
        }
        return held;
    }

    private void release() {
        closeStreams();
        ContainerSupervisor.Lease held = lease;
        if (held != null) {
            worker.supervisor().tell(new ContainerSupervisor.Release(held));
        }
    }

    private void closeStreams() {
        collected.values().forEach(Collected::close);
        Pty pty = terminal;
        if (pty != null) {
            pty.close();
        }
        descriptors.values().forEach(Fd::close);
        descriptors.clear();
    }
}
