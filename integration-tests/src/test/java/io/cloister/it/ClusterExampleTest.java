// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import io.cloister.nativeio.libc.LibC;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.cluster.Cloister;
import io.cloister.supervisor.cluster.RunReply;
import io.cloister.supervisor.cluster.Terms;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The code in docs/cluster.md is this code, and it works. */
@Tag("beside")
class ClusterExampleTest {

    // begin of the example
    /** Judges "hello" on some worker that has the tag "sh". */
    static CompletionStage<String> judge(ActorSystem<?> system) {
        Run run =
                Run.of(
                        "submission 4711, case 1",
                        Program.of("/bin/echo", "hello").collect(ByteSize.ofKiB(64)).build());
        Terms terms = new Terms(0, Duration.ofMinutes(1), Set.of("sh"));
        return Cloister.get(system)
                .submit(run, "contest 12", terms)
                .thenApply(reply ->
                        switch (reply) {
                            case RunReply.Completed done ->
                                    "%s after %d attempts on %s"
                                            .formatted(
                                                    done.result().results().getFirst().status(),
                                                    done.attempts(),
                                                    done.worker());
                            case RunReply.NotCompleted not ->
                                    not.reason() + ": " + not.explanation();
                        });
    }

    // end of the example

    @TempDir Path directory;

    @Test
    @Timeout(120)
    void shouldRunTheExampleOfTheDocumentation() throws Exception {
        assumeTrue(LibC.geteuid() == 0, "ranges of ids need root");
        ActorSystem<Void> system =
                ActorSystem.create(
                        Behaviors.empty(),
                        ClusterConfig.SYSTEM,
                        ClusterConfig.client(
                                String.join("\n", ClusterConfig.worker(directory, 1)),
                                "cloister.cluster.worker.tags = [ sh ]"));
        try {
            Cluster cluster = Cluster.get(system);
            cluster.manager().tell(Join.create(cluster.selfMember().address()));
            assertThat(judge(system).toCompletableFuture().get())
                    .startsWith("OK after 1 attempts on akka://cloister@127.0.0.1:");
        } finally {
            system.terminate();
            system.getWhenTerminated().toCompletableFuture().join();
        }
    }

    @Test
    void shouldShowTheExampleAsItIs() throws IOException {
        Example.assertShown("docs/cluster.md", "", ClusterExampleTest.class);
    }
}
