// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.message.Conf;
import io.cloister.protocol.message.ConfReply;
import io.cloister.protocol.message.Delete;
import io.cloister.protocol.message.DeleteReply;
import io.cloister.protocol.message.Deleted;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.message.PingReply;
import io.cloister.protocol.message.ResetReply;
import io.cloister.protocol.message.Standstill;
import io.cloister.protocol.message.Symlink;
import io.cloister.protocol.message.SymlinkReply;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.container.OpenReply;
import io.cloister.supervisor.container.Opened;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.pool.ContainerSupervisor.Lease;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** A container in one's hands; closing it gives it back. */
public final class Leased implements AutoCloseable {
    private static final int OUTPUT_LIMIT = 16 * 1024 * 1024;

    private final Worker worker;
    private final Lease lease;

    Leased(Worker worker, Lease lease) {
        this.worker = worker;
        this.lease = lease;
    }

    public ActorRef<Container.Command> container() {
        return lease.container();
    }

    public Lease lease() {
        return lease;
    }

    @Override
    public void close() {
        worker.release(lease);
    }

    /** Ends the container and waits for that. */
    public void endNow() {
        tell(new Container.Destroy());
        awaitEnd();
    }

    /** The host's number of this container's init. */
    public int initPid() {
        TestProbe<Container.Started> probe = worker.probe(Container.Started.class);
        CompletionStage<ExecveReply> reply =
                executeAnnounced(
                        Execve.of("/bin/true").announceStart(true).build(),
                        ExecveDescriptors.none(),
                        probe.getRef());
        Container.Started started = probe.receiveMessage(Worker.PATIENCE);
        int init = Processes.parent(started.pid());
        started.pidfd().close();
        tell(new Container.Kill());
        Worker.await(reply);
        probe.stop();
        return init;
    }

    /** Waits until the container's actor has stopped. */
    public void awaitEnd() {
        TestProbe<Object> probe = worker.probe(Object.class);
        probe.expectTerminated(container(), Worker.PATIENCE);
        probe.stop();
    }

    // ---- commands ---------------------------------------------------------------------------

    public void tell(Container.Command command) {
        container().tell(command);
    }

    public PingReply ping() {
        return Worker.await(pingLater());
    }

    public CompletionStage<PingReply> pingLater() {
        return worker.ask(container(), Container.Ping::new);
    }

    public ConfReply configure(ContainerConfig config) {
        return Worker.await(
                worker.<Container.Command, ConfReply>ask(
                        container(),
                        replyTo -> new Container.Configure(new Conf(config), replyTo)));
    }

    public OpenReply open(Open request) {
        return Worker.await(openLater(request));
    }

    public CompletionStage<OpenReply> openLater(Open request) {
        return worker.ask(container(), replyTo -> new Container.OpenFiles(request, replyTo));
    }

    /** Opens files, of which some may fail. */
    public Opened open(OpenFile... files) {
        OpenReply reply = open(Open.of(files));
        assertThat(reply).isInstanceOf(Opened.class);
        return (Opened) reply;
    }

    public SymlinkReply symlink(Symlink request) {
        return Worker.await(
                worker.<Container.Command, SymlinkReply>ask(
                        container(), replyTo -> new Container.MakeSymlinks(request, replyTo)));
    }

    public DeleteReply delete(String path, boolean recursive) {
        return Worker.await(
                worker.<Container.Command, DeleteReply>ask(
                        container(),
                        replyTo -> new Container.DeletePath(new Delete(path, recursive), replyTo)));
    }

    /** Deletes what must be there. */
    public void delete(String path) {
        assertThat(delete(path, true)).isEqualTo(new Deleted());
    }

    public ResetReply reset() {
        return Worker.await(resetLater());
    }

    public CompletionStage<ResetReply> resetLater() {
        return worker.ask(container(), Container.Reset::new);
    }

    public Optional<Standstill> look() {
        return Worker.await(
                        worker.<Container.Command, Container.Looked>ask(
                                container(), Container.Look::new))
                .standstill();
    }

    public ExecveReply execute(Execve request, ExecveDescriptors descriptors) {
        return Worker.await(executeLater(request, descriptors));
    }

    public CompletionStage<ExecveReply> executeLater(
            Execve request, ExecveDescriptors descriptors) {
        return worker.ask(
                container(), replyTo -> new Container.Execute(request, descriptors, replyTo));
    }

    /** Asks for a run whose start is announced to a probe. */
    public CompletionStage<ExecveReply> executeAnnounced(
            Execve request, ExecveDescriptors descriptors, ActorRef<Container.Started> started) {
        return worker.ask(
                container(),
                replyTo ->
                        new Container.Execute(request, descriptors, Optional.of(started), replyTo));
    }

    // ---- files ------------------------------------------------------------------------------

    /** Writes a file of mode 0644, with the directories above it. */
    public void write(String path, String contents) {
        write(path, contents.getBytes(StandardCharsets.UTF_8), 0644);
    }

    public void write(String path, byte[] contents, int mode) {
        try (Opened opened = open(OpenFile.create(path, mode).withParents())) {
            assertThat(opened.errors()).isEmpty();
            for (Fd file : opened.files().values()) {
                file.write(contents);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public byte[] read(String path) {
        try (Opened opened = open(OpenFile.read(path))) {
            assertThat(opened.errors()).isEmpty();
            return opened.files().values().iterator().next().readUpTo(OUTPUT_LIMIT);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public String readText(String path) {
        return new String(read(path), StandardCharsets.UTF_8);
    }

    // ---- runs -------------------------------------------------------------------------------

    /** Runs a program with empty input; its output is collected. */
    public Ran run(String... argv) {
        return run(Execve.of(argv));
    }

    public Ran run(Execve.Builder request) {
        return run(request, Map.of());
    }

    /**
     * Runs a program with empty input, its output collected, and more descriptors.
     *
     * @param more their numbers are added to the request's; they pass to the container
     */
    public Ran run(Execve.Builder request, Map<Integer, Fd> more) {
        return run(request, more, Optional.empty());
    }

    public Ran run(Execve.Builder request, Map<Integer, Fd> more, Optional<Fd> executable) {
        try (Fd out = MemFd.writable("stdout");
                Fd err = MemFd.writable("stderr")) {
            Map<Integer, Fd> files = new HashMap<>(more);
            if (!files.containsKey(0)) {
                files.put(0, MemFd.sealed("stdin", new byte[0]));
            }
            files.put(1, out.duplicate());
            files.put(2, err.duplicate());
            Execve built = request.descriptors(files.keySet()).build();
            ExecveReply reply = execute(built, new ExecveDescriptors(files, executable));
            return new Ran(reply, out.readUpTo(OUTPUT_LIMIT), err.readUpTo(OUTPUT_LIMIT));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs a shell script that must succeed, and returns its output. */
    public String shell(String script) {
        Ran ran = run("/bin/sh", "-c", script);
        ran.assertExit(0);
        return ran.stdout();
    }

    /** Runs a Python program without site packages. */
    public Ran python(String script, String... arguments) {
        String[] argv = new String[arguments.length + 6];
        argv[0] = "python3";
        argv[1] = "-S";
        argv[2] = "-B";
        argv[3] = "-I";
        argv[4] = "-c";
        argv[5] = script;
        System.arraycopy(arguments, 0, argv, 6, arguments.length);
        return run(argv);
    }
}
