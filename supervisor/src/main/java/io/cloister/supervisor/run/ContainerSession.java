// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.run;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.AskPattern;
import akka.japi.function.Function;
import io.cloister.nativeio.fd.Fd;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.OpenFile;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.container.OpenFailed;
import io.cloister.supervisor.container.OpenReply;
import io.cloister.supervisor.container.Opened;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.pool.ContainerSupervisor;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;

/**
 * A leased container for code that blocks: each method sends a message and waits for the answer.
 * Closing the session gives the container back.
 *
 * <p>The container keeps its own deadlines and answers with a failure when it misses one; those
 * here lie beyond them and only keep a caller from waiting for ever. For use by one thread; {@link
 * #kill} may come from any.
 */
public final class ContainerSession implements AutoCloseable {
    /** Beyond the deadlines of the supervisor and the containers, see reference.conf. */
    private static final Duration MARGIN = Duration.ofSeconds(30);

    private final ActorSystem<?> system;
    private final ActorRef<ContainerSupervisor.Command> supervisor;
    private final ContainerSupervisor.Lease lease;

    private ContainerSession(
            ActorSystem<?> system,
            ActorRef<ContainerSupervisor.Command> supervisor,
            ContainerSupervisor.Lease lease) {
        this.system = system;
        this.supervisor = supervisor;
        this.lease = lease;
    }

    /** Takes a clean container of the standard configuration from the pool. */
    public static ContainerSession acquire(
            ActorSystem<?> system, ActorRef<ContainerSupervisor.Command> supervisor)
            throws ContainerException, InterruptedException {
        return lease(
                system,
                supervisor,
                replyTo -> new ContainerSupervisor.Acquire(Optional.empty(), replyTo));
    }

    /** Has a container of one's own configuration made; it is destroyed when the session closes. */
    public static ContainerSession create(
            ActorSystem<?> system,
            ActorRef<ContainerSupervisor.Command> supervisor,
            ContainerConfig config)
            throws ContainerException, InterruptedException {
        return lease(
                system,
                supervisor,
                replyTo -> new ContainerSupervisor.Create(config, Optional.empty(), replyTo));
    }

    private static ContainerSession lease(
            ActorSystem<?> system,
            ActorRef<ContainerSupervisor.Command> supervisor,
            Function<ActorRef<ContainerSupervisor.AcquireReply>, ContainerSupervisor.Command>
                    request)
            throws ContainerException, InterruptedException {
        ContainerSupervisor.AcquireReply reply = ask(system, supervisor, request, MARGIN);
        return switch (reply) {
            case ContainerSupervisor.Lease lease -> new ContainerSession(system, supervisor, lease);
            case ContainerSupervisor.NotAcquired(Failure failure) ->
                    throw new ContainerException(failure);
        };
    }

    /**
     * Opens one file; the caller owns the descriptor.
     *
     * @throws ContainerException when it cannot be opened
     */
    public Fd open(OpenFile file) throws ContainerException, InterruptedException {
        OpenReply reply =
                ask(
                        system,
                        lease.container(),
                        replyTo -> new Container.OpenFiles(Open.of(file), replyTo),
                        MARGIN);
        return switch (reply) {
            case OpenFailed(Failure failure) -> throw new ContainerException(failure);
            case Opened opened -> {
                Fd fd = opened.files().get(file.path());
                if (fd == null) {
                    opened.close();
                    Failure failure = opened.errors().get(file.path());
                    throw new ContainerException(
                            failure != null
                                    ? failure
                                    : Failure.of(
                                            Failure.Kind.INTERNAL,
                                            file.path(),
                                            "neither opened nor refused"));
                }
                yield fd;
            }
        };
    }

    /** Writes a file, made if missing and emptied otherwise. */
    public void write(String path, int mode, byte[] contents)
            throws ContainerException, IOException, InterruptedException {
        try (Fd file = open(OpenFile.create(path, mode))) {
            file.write(contents);
        }
    }

    /**
     * Runs a program and waits until nothing of it is left.
     *
     * @param descriptors the container's from now on
     * @return its result, or why it did not run
     * @throws ContainerException when no answer came at all
     */
    public ExecveReply execute(Execve request, ExecveDescriptors descriptors)
            throws ContainerException, InterruptedException {
        return ask(
                system,
                lease.container(),
                replyTo -> new Container.Execute(request, descriptors, replyTo),
                request.limits().wallTime().plus(MARGIN));
    }

    /** Kills the program that runs, if one does; its result says so. */
    public void kill() {
        lease.container().tell(new Container.Kill());
    }

    /** Gives the container back; it is reset, or destroyed, without waiting. */
    @Override
    public void close() {
        supervisor.tell(new ContainerSupervisor.Release(lease));
    }

    private static <C, R> R ask(
            ActorSystem<?> system,
            ActorRef<C> actor,
            Function<ActorRef<R>, C> message,
            Duration deadline)
            throws ContainerException, InterruptedException {
        try {
            return AskPattern.ask(actor, message, deadline, system.scheduler())
                    .toCompletableFuture()
                    .get();
        } catch (ExecutionException e) {
            throw new ContainerException(
                    Failure.of(
                            Failure.Kind.DEADLINE,
                            "the worker did not answer within " + deadline.toSeconds() + " s"));
        }
    }
}
