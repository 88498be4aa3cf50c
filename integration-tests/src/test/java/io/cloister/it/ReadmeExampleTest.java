// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.typed.ActorRef;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.Scheduler;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import com.typesafe.config.ConfigFactory;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.CloisterSettings;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.pool.ContainerSupervisor;
import io.cloister.supervisor.run.RunService;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The code in README.md is this code, and it works. */
class ReadmeExampleTest {

    // begin of the example
    /** A worker's part of the actor system: its containers, and the service that runs in them. */
    static ActorRef<RunService.Command> spawnRuns(ActorContext<?> context, FileStore store) {
        CloisterSettings settings = CloisterSettings.from(context.getSystem().settings().config());
        DispatcherSelector here = DispatcherSelector.fromConfig(ContainerSupervisor.DISPATCHER);
        ActorRef<ContainerSupervisor.Command> containers =
                context.spawn(ContainerSupervisor.create(settings), "containers", here);
        return context.spawn(RunService.create(settings, store, containers), "runs", here);
    }

    /** A submission in Python on one test case. */
    static Run submission(String source, String input) {
        return Run.of(
                "submission 1, case 1",
                Program.of("/usr/bin/python3", "a.py")
                        .copyIn(CopyIn.File.of("a.py", Content.ofUtf8(source)))
                        .stdin(input)
                        .collect(ByteSize.ofKiB(64))
                        .limits(
                                Limits.builder()
                                        .cpuTime(Duration.ofSeconds(1))
                                        .wallTime(Duration.ofSeconds(3))
                                        .memory(ByteSize.ofMiB(64))
                                        .processes(16)
                                        .allowLess(true)
                                        .build())
                        .build());
    }

    static CompletionStage<RunResult> carryOut(
            ActorRef<RunService.Command> runs, Run run, Scheduler scheduler) {
        return AskPattern.ask(
                runs, to -> new RunService.Submit(run, to), Duration.ofSeconds(30), scheduler);
    }

    // end of the example

    @Test
    @Timeout(60)
    void shouldRunTheExampleOfTheReadme() {
        ActorTestKit kit = ActorTestKit.create("readme", ConfigFactory.load());
        try (FileStore store = new FileStore(CloisterSettings.from(ConfigFactory.load()).store())) {
            CompletableFuture<ActorRef<RunService.Command>> spawned = new CompletableFuture<>();
            kit.spawn(
                    Behaviors.<Void>setup(context -> {
                        spawned.complete(spawnRuns(context, store));
                        return Behaviors.empty();
                    }));
            ActorRef<RunService.Command> runs = spawned.join();

            ProgramOutcome sum = outcome(runs, "print(sum(map(int, input().split())))", kit);
            assertThat(sum.status()).as(sum.toString()).isEqualTo(Status.OK);
            assertThat(sum.outputs().get(1).content().utf8()).contains("3\n");

            ProgramOutcome wrong = outcome(runs, "print(", kit);
            assertThat(wrong.status()).isEqualTo(Status.NONZERO_EXIT);
            assertThat(wrong.termination()).contains(new Termination.Exited(1));
        } finally {
            kit.shutdownTestKit();
        }
    }

    private static ProgramOutcome outcome(
            ActorRef<RunService.Command> runs, String source, ActorTestKit kit) {
        return carryOut(runs, submission(source, "1 2\n"), kit.scheduler())
                .toCompletableFuture()
                .join()
                .results()
                .getFirst();
    }

    @Test
    void shouldShowTheExampleInTheReadmeAsItIs() throws IOException {
        Example.assertShown("README.md", "", ReadmeExampleTest.class);
    }
}
