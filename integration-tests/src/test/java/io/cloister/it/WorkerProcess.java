// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import akka.actor.Address;
import akka.actor.AddressFromURIString;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.cluster.MemberStatus;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ResetDone;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.pool.ContainerSupervisor;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A judge worker as a process, with tests for a client: it does what it reads, line by line, and
 * says when it is done or well under way. Its arguments are settings.
 */
final class WorkerProcess {
    /** Longer than any test. */
    private static final String FOR_EVER = "1000";

    private final Worker worker;

    private WorkerProcess(Worker worker) {
        this.worker = worker;
    }

    public static void main(String[] settings) throws Exception {
        WorkerProcess self = new WorkerProcess(Worker.start(String.join("\n", settings)));
        ChildJvm.say("started");
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            ChildJvm.say(self.obey(line));
        }
        Runtime.getRuntime().halt(1); // the test is gone
    }

    private String obey(String line) throws IOException {
        String[] words = line.split(" ");
        return switch (words[0]) {
            case "idle" -> idle();
            case "run" -> run();
            case "creating" -> create();
            case "configuring" -> configure();
            case "executing" -> execute();
            case "announced" -> announce();
            case "resetting" -> reset();
            case "address" -> cluster().selfMember().address().toString();
            case "join" -> join(AddressFromURIString.parse(words[1]));
            case "members" -> members(Integer.parseInt(words[1]));
            default -> "unknown: " + line;
        };
    }

    private String idle() {
        worker.awaitCalm();
        return "idle";
    }

    private String run() {
        try (Leased leased = worker.acquire()) {
            return leased.shell("echo hello").strip();
        }
    }

    /** Creates containers, and destroys them, again and again. */
    private String create() {
        worker.create(worker.standard()).close();
        Thread thread =
                new Thread(
                        () -> {
                            while (true) {
                                worker.create(worker.standard()).close();
                            }
                        },
                        "creates");
        thread.setDaemon(true);
        thread.start();
        return "creating";
    }

    /** A container whose configuration takes for ever. */
    private String configure() {
        var unused =
                worker.<ContainerSupervisor.Command, ContainerSupervisor.AcquireReply>ask(
                        worker.supervisor(),
                        replyTo ->
                                new ContainerSupervisor.Create(
                                        worker.standard().toBuilder()
                                                .initCommand(List.of("/bin/sleep", FOR_EVER))
                                                .build(),
                                        Optional.empty(),
                                        replyTo));
        return "configuring";
    }

    /** A program with a child, a grandchild in a session of its own, and a stopped one. */
    private String execute() {
        String script =
                "sleep %1$s & setsid sleep %1$s & sleep %1$s & kill -STOP $!; sleep %1$s"
                        .formatted(FOR_EVER);
        var unused =
                worker.acquire()
                        .executeLater(
                                Execve.of("/bin/sh", "-c", script)
                                        .wallTime(Duration.ofHours(1))
                                        .build(),
                                ExecveDescriptors.none());
        return "executing";
    }

    private String announce() {
        TestProbe<Container.Started> probe = worker.probe(Container.Started.class);
        var unused =
                worker.acquire()
                        .executeAnnounced(
                                Execve.of("/bin/sleep", FOR_EVER).announceStart(true).build(),
                                ExecveDescriptors.none(),
                                probe.ref());
        Container.Started started = probe.receiveMessage(Worker.PATIENCE);
        started.pidfd().close();
        return "announced";
    }

    /** Uses a container and resets it, again and again. */
    private String reset() {
        Leased leased = worker.acquire();
        resetOnce(leased);
        Thread thread =
                new Thread(
                        () -> {
                            while (resetOnce(leased)) {}
                        },
                        "resets");
        thread.setDaemon(true);
        thread.start();
        return "resetting";
    }

    private static boolean resetOnce(Leased leased) {
        leased.shell("for d in /w /tmp; do for i in 1 2 3 4 5 6 7 8 9; do : >$d/$i; done; done");
        return leased.reset() instanceof ResetDone;
    }

    // ---- the cluster ------------------------------------------------------------------------

    private Cluster cluster() {
        return Cluster.get(worker.kit().system());
    }

    private String join(Address address) {
        cluster().manager().tell(Join.create(address));
        return "joining";
    }

    private String members(int count) {
        Waiting.until(() -> {
            long up = 0;
            for (var member : cluster().state().getMembers()) {
                up += member.status().equals(MemberStatus.up()) ? 1 : 0;
            }
            if (up != count || !cluster().state().getUnreachable().isEmpty()) {
                throw new AssertionError(cluster().state().toString());
            }
        });
        return "members " + count;
    }
}
