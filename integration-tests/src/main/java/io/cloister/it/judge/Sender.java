// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.Status;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Sends runs and waits for their results; a thread that is interrupted meanwhile cancels its run.
 * Safe for use by threads.
 */
final class Sender {
    /** A worker's own failure says nothing of the program: perhaps another container will do. */
    private static final int ATTEMPTS = 3;

    /** Up to this length a file travels with each run. */
    private static final long SMALL = 32 * 1024;

    private final RunSender runs;

    Sender(RunSender runs) {
        this.runs = runs;
    }

    /** Runs one program. */
    ProgramOutcome send(Program program) throws InterruptedException {
        return send(List.of(program), List.of()).getFirst();
    }

    /** Runs programs that are joined by pipes; each has an outcome. */
    List<ProgramOutcome> send(List<Program> programs, List<PipeLink> pipes)
            throws InterruptedException {
        List<ProgramOutcome> outcomes = List.of();
        for (int i = 0; i < ATTEMPTS; i++) {
            outcomes = attempt(programs, pipes);
            if (outcomes.stream().noneMatch(each -> each.status() == Status.INTERNAL_ERROR)) {
                return outcomes;
            }
        }
        return outcomes;
    }

    private List<ProgramOutcome> attempt(List<Program> programs, List<PipeLink> pipes)
            throws InterruptedException {
        Run run = new Run(UUID.randomUUID().toString(), programs, pipes, Optional.empty());
        try {
            List<ProgramOutcome> outcomes = runs.run(run).toCompletableFuture().get().results();
            return outcomes.size() == programs.size()
                    ? outcomes
                    : failed(programs, "a result for each program", outcomes.size());
        } catch (ExecutionException e) {
            return failed(programs, "an answer", e.getCause());
        } catch (InterruptedException e) {
            runs.cancel(run.id());
            throw e;
        }
    }

    private static List<ProgramOutcome> failed(
            List<Program> programs, String wanted, @Nullable Object got) {
        Failure failure =
                Failure.of(
                        Failure.Kind.DEADLINE,
                        "the worker did not give %s: %s".formatted(wanted, got));
        return Collections.nCopies(
                programs.size(), ProgramOutcome.notRun(Status.INTERNAL_ERROR, failure));
    }

    /** A file as content of a run. */
    Content content(Path file) throws IOException {
        return Files.size(file) <= SMALL ? Content.of(Files.readAllBytes(file)) : runs.file(file);
    }

    /** A file that many runs read. */
    Content shared(Path file) throws IOException {
        return runs.file(file);
    }

    /** What a program wrote to a stream, as text whatever it is. */
    static String text(ProgramOutcome outcome, int stream) {
        Output output = outcome.outputs().get(stream);
        return output == null
                ? ""
                : StandardCharsets.UTF_8.decode(output.content().asBuffer()).toString();
    }
}
