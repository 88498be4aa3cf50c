// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.nativeio.fd.Fd;
import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Stream;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/** Runs a program on a terminal that is connected with this process's. */
final class TerminalRun {
    private static final String ID = "terminal";

    private TerminalRun() {}

    static RunResult run(EmbeddedWorker worker, Program.Builder program)
            throws IOException, InterruptedException {
        try (TerminalBridge bridge = new TerminalBridge()) {
            Map<PipeLink.End, Fd> given = new HashMap<>();
            for (int number = 0; number < StandardStreams.COUNT; number++) {
                program.stream(number, new Stream.Given());
                given.put(new PipeLink.End(0, number), bridge.forProgram());
            }
            program.controllingTerminal(0);
            CompletionStage<RunResult> result =
                    worker.run(Run.of(ID, program.build()), given)
                            .whenComplete((ended, failure) -> bridge.end());
            try {
                bridge.run();
            } catch (IOException | RuntimeException e) {
                worker.cancel(ID); // nobody sees the terminal any more
                throw e;
            }
            return RunCommand.await(result);
        }
    }
}
