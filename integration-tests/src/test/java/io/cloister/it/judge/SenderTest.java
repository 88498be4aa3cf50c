// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.unit.ByteSize;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of runs that nobody waits for any more. */
@Timeout(60)
class SenderTest {
    /** Interrupts whoever has submitted a run. */
    private static final class Interrupting implements RunSender {
        private final RunSender runs;
        private CompletionStage<RunResult> answer = new CompletableFuture<>();

        Interrupting(RunSender runs) {
            this.runs = runs;
        }

        @Override
        public CompletionStage<RunResult> run(Run run) {
            answer = runs.run(run);
            Thread.currentThread().interrupt();
            return answer;
        }

        @Override
        public void cancel(String id) {
            runs.cancel(id);
        }

        @Override
        public Content file(Path file) throws IOException {
            return runs.file(file);
        }

        @Override
        public void close() {
            runs.close();
        }
    }

    @Test
    void shouldCancelARunWhoseThreadIsInterrupted() throws Exception {
        Program program =
                Program.of("/bin/sleep", "1000")
                        .collect(ByteSize.ofKiB(1))
                        .limits(Limits.builder().wallTime(Duration.ofHours(1)).build())
                        .build();
        try (NodeRuns runs = NodeRuns.local(ConfigFactory.empty(), 1)) {
            Interrupting interrupting = new Interrupting(runs);

            assertThatThrownBy(() -> new Sender(interrupting).send(program))
                    .isInstanceOf(InterruptedException.class);

            RunResult result = interrupting.answer.toCompletableFuture().get(30, TimeUnit.SECONDS);
            assertThat(result.results().getFirst().status()).isEqualTo(Status.CANCELLED);
        }
    }
}
