// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Termination;
import java.time.Duration;
import java.util.Optional;

/** The result of {@code run} as a JSON document. */
final class RunReport {
    private static final double NANOS_PER_MILLI = 1e6;

    private RunReport() {}

    private record Result(
            Optional<Integer> exitCode,
            Optional<String> signal,
            Optional<String> limit,
            boolean killed,
            double userMillis,
            double systemMillis,
            double wallMillis,
            double setUpMillis,
            long memoryBytes) {}

    private record Failed(FailureDocument failure) {}

    private record FailureDocument(
            Failure.Kind kind,
            Optional<String> step,
            Optional<String> subject,
            Optional<String> errno,
            String message) {}

    static String json(ExecveReply reply) {
        return Json.write(
                switch (reply) {
                    case Failure failure -> new Failed(document(failure));
                    case ExecveResult result -> document(result);
                });
    }

    private static Result document(ExecveResult result) {
        Termination termination = result.termination();
        return new Result(
                termination instanceof Termination.Exited(int code)
                        ? Optional.of(code)
                        : Optional.empty(),
                termination instanceof Termination.Signalled signalled
                        ? Optional.of(signalled.signalName())
                        : Optional.empty(),
                result.limit().map(Limit::text),
                result.killed(),
                millis(result.usage().userCpu()),
                millis(result.usage().systemCpu()),
                millis(result.wallTime()),
                millis(result.setUpTime()),
                result.usage().maxResidentSet().bytes());
    }

    private static FailureDocument document(Failure failure) {
        return new FailureDocument(
                failure.kind(),
                unlessEmpty(failure.step()),
                unlessEmpty(failure.subject()),
                unlessEmpty(failure.errnoName()),
                failure.message());
    }

    private static Optional<String> unlessEmpty(String text) {
        return text.isEmpty() ? Optional.empty() : Optional.of(text);
    }

    private static double millis(Duration time) {
        return time.toNanos() / NANOS_PER_MILLI;
    }
}
