// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.cluster.RunReply;
import io.cloister.supervisor.cluster.RunReply.Completed;
import io.cloister.supervisor.cluster.RunReply.NotCompleted;
import io.cloister.supervisor.cluster.Terms;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;

/** Runs whose right results can be told from their ids. */
final class Echo {
    static final Terms TERMS = new Terms(0, Duration.ofMinutes(3), Set.of());

    private Echo() {}

    /** Says its id, after some seconds as sleep(1) reads them. */
    static Run run(String id, String seconds) {
        return Run.of(
                id,
                Program.of("/bin/sh", "-c", "sleep %s; echo %s".formatted(seconds, id))
                        .collect(ByteSize.ofKiB(4))
                        .limits(
                                Limits.builder()
                                        .wallTime(Duration.ofSeconds(60))
                                        .memory(ByteSize.ofMiB(64))
                                        .processes(8)
                                        .build())
                        .build());
    }

    /** {@code right ID}, or what is wrong. */
    static String describe(String id, RunReply reply) {
        return switch (reply) {
            case Completed completed ->
                    isRight(id, completed.result().results().getFirst())
                            ? "right " + id
                            : "wrong " + completed;
            case NotCompleted not -> not.reason() + " " + not.id();
        };
    }

    private static boolean isRight(String id, ProgramOutcome outcome) {
        Output output = outcome.outputs().get(1);
        return outcome.status() == Status.OK
                && output != null
                && new String(output.content().toArray(), StandardCharsets.UTF_8).equals(id + "\n");
    }
}
