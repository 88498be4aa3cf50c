// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Enforced;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.run.Usage;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What {@code run} tells people of a program's end. */
final class RunReport {
    private RunReport() {}

    /** Why it did not end as programs do, in one line; nothing if it did. */
    static Optional<String> trouble(ProgramOutcome outcome) {
        Evidence evidence = outcome.evidence();
        if (outcome.failure().isPresent()) {
            return outcome.failure().map(Failure::describe);
        }
        if (evidence.disallowedSyscall().isPresent()) {
            return Optional.of("disallowed system call: " + evidence.disallowedSyscall().get());
        }
        if (evidence.idle()) {
            return Optional.of("the programs waited for each other");
        }
        if (outcome.limit().isPresent()) {
            return Optional.of(outcome.limit().get().text() + " limit reached");
        }
        return switch (outcome.status()) {
            case OK, NONZERO_EXIT, SIGNALLED -> Optional.empty();
            default -> Optional.of(outcome.status().name());
        };
    }

    /** A few lines: what it used, and what was enforced. */
    static String summary(ProgramOutcome outcome) {
        Usage usage = outcome.usage();
        String processes =
                usage.peakProcesses().isPresent()
                        ? ", processes: %d".formatted(usage.peakProcesses().getAsInt())
                        : "";
        String enforced =
                outcome.enforced().stream()
                        .collect(
                                Collectors.groupingBy(
                                        Enforced::limit,
                                        TreeMap::new,
                                        Collectors.mapping(
                                                each -> each.by().text(),
                                                Collectors.joining(" and "))))
                        .entrySet()
                        .stream()
                        .map(limit -> limit.getKey().text() + " by " + limit.getValue())
                        .collect(Collectors.joining(", "));
        return """
        status    %s
        time      %s CPU (%s user, %s system), %s wall
        memory    %s by %s, %s resident%s
        enforced  %s
        """
                .formatted(
                        status(outcome),
                        Durations.format(usage.cpuTime()),
                        Durations.format(usage.userCpu()),
                        Durations.format(usage.systemCpu()),
                        Durations.format(outcome.wallTime()),
                        Sizes.format(usage.memory()),
                        usage.memorySource().text(),
                        Sizes.format(usage.maxResidentSet()),
                        processes,
                        enforced);
    }

    private static String status(ProgramOutcome outcome) {
        String limit = outcome.limit().map(Limit::text).map(name -> " (" + name + ")").orElse("");
        String end =
                outcome.termination()
                        .filter(termination -> outcome.status() != Status.OK)
                        .map(termination ->
                                switch (termination) {
                                    case Termination.Exited(int code) -> ", exit code " + code;
                                    case Termination.Signalled signalled ->
                                            ", " + signalled.signalName();
                                })
                        .orElse("");
        return outcome.status().name() + limit + end;
    }
}
