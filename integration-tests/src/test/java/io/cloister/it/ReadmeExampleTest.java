// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static java.util.concurrent.CompletableFuture.completedStage;
import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Scheduler;
import akka.actor.typed.javadsl.AskPattern;
import com.typesafe.config.ConfigFactory;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Termination;
import io.cloister.supervisor.CloisterSettings;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.pool.ContainerSupervisor;
import io.cloister.supervisor.pool.ContainerSupervisor.Acquire;
import io.cloister.supervisor.pool.ContainerSupervisor.AcquireReply;
import io.cloister.supervisor.pool.ContainerSupervisor.Lease;
import io.cloister.supervisor.pool.ContainerSupervisor.NotAcquired;
import io.cloister.supervisor.pool.ContainerSupervisor.Release;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The code in README.md is this code, and it works. */
class ReadmeExampleTest {

    // begin of the example
    /** Runs a program in a warm container; its standard output goes to a file, which is closed. */
    static CompletionStage<ExecveReply> run(
            ActorRef<ContainerSupervisor.Command> cloister,
            Scheduler scheduler,
            Fd output,
            String... argv) {
        Duration patience = Duration.ofSeconds(20);
        Execve request = Execve.of(argv).descriptors(1).wallTime(Duration.ofSeconds(2)).build();
        ExecveDescriptors files = ExecveDescriptors.of(Map.of(1, output));
        return AskPattern.<ContainerSupervisor.Command, AcquireReply>ask(
                        cloister, to -> new Acquire(Optional.empty(), to), patience, scheduler)
                .thenCompose(reply -> {
                    if (!(reply instanceof Lease lease)) {
                        files.close();
                        return completedStage(((NotAcquired) reply).failure());
                    }
                    return AskPattern.<Container.Command, ExecveReply>ask(
                                    lease.container(),
                                    to -> new Container.Execute(request, files, to),
                                    patience,
                                    scheduler)
                            .whenComplete((any, late) -> cloister.tell(new Release(lease)));
                });
    }

    // end of the example

    @Test
    @Timeout(60)
    void shouldRunTheExampleOfTheReadme() throws IOException {
        ActorTestKit kit = ActorTestKit.create("readme", ConfigFactory.load());
        try {
            ActorRef<ContainerSupervisor.Command> cloister =
                    kit.spawn(
                            ContainerSupervisor.create(
                                    CloisterSettings.from(kit.system().settings().config())));

            try (Fd output = MemFd.writable("output")) {
                ExecveReply hello =
                        run(cloister, kit.scheduler(), output.duplicate(), "/bin/echo", "hello")
                                .toCompletableFuture()
                                .join();
                assertThat(hello)
                        .isInstanceOfSatisfying(
                                ExecveResult.class,
                                result ->
                                        assertThat(result.termination())
                                                .isEqualTo(new Termination.Exited(0)));
                assertThat(new String(output.readUpTo(100), StandardCharsets.UTF_8))
                        .isEqualTo("hello\n");

                ExecveReply missing =
                        run(cloister, kit.scheduler(), output.duplicate(), "/no/such/program")
                                .toCompletableFuture()
                                .join();
                assertThat(missing)
                        .isInstanceOfSatisfying(
                                Failure.class,
                                failure ->
                                        assertThat(failure.kind())
                                                .isEqualTo(Failure.Kind.NOT_FOUND));
            }
        } finally {
            kit.shutdownTestKit();
        }
    }

    @Test
    void shouldShowTheExampleInTheReadmeAsItIs() throws IOException {
        assertThat(blockOfReadme()).isEqualTo(regionOfThisFile());
    }

    private static String blockOfReadme() throws IOException {
        String readme = Files.readString(root().resolve("README.md"));
        int start = readme.indexOf("```java\n") + "```java\n".length();
        return readme.substring(start, readme.indexOf("```", start));
    }

    private static String regionOfThisFile() throws IOException {
        Path file =
                root().resolve(
                                "integration-tests/src/test/java/io/cloister/it/ReadmeExampleTest.java");
        return Files.readAllLines(file).stream()
                .dropWhile(line -> !line.equals("    // begin of the example"))
                .skip(1)
                .takeWhile(line -> !line.equals("    // end of the example"))
                .map(line -> line.startsWith("    ") ? line.substring(4) : line)
                .collect(Collectors.joining("\n", "", "\n"))
                .stripTrailing()
                .concat("\n");
    }

    private static Path root() {
        Path directory = Path.of("").toAbsolutePath();
        while (!Files.exists(directory.resolve("README.md"))) {
            directory = directory.getParent();
        }
        return directory;
    }
}
