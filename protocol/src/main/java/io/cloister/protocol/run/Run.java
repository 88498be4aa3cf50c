// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * Something to run: one program, or several at once, each in a container of its own, joined by
 * pipes.
 *
 * @param id the caller's name for it, which comes back in the result: 1 to 128 bytes
 * @param programs 1 to 16
 * @param pipes between them
 * @param idle end a group whose programs all have waited this long without using CPU time and
 *     without a byte having passed; absent for the worker's setting. A single program without pipes
 *     is never idle
 */
public record Run(
        String id, List<Program> programs, List<PipeLink> pipes, Optional<Duration> idle) {
    public static final int MAX_PROGRAMS = 16;
    public static final int MAX_PIPES = 64;
    public static final int MAX_ID_BYTES = 128;
    private static final Duration LEAST_IDLE = Duration.ofMillis(10);

    public Run {
        Check.filledText("run id", id, MAX_ID_BYTES);
        programs = Check.list("programs", programs, MAX_PROGRAMS);
        Check.that(!programs.isEmpty(), "no programs: give at least one");
        pipes = Check.list("pipes", pipes, MAX_PIPES);
        Set<PipeLink.End> ends = new HashSet<>();
        for (PipeLink pipe : pipes) {
            checkEnd(programs, ends, pipe.from());
            checkEnd(programs, ends, pipe.to());
        }
        Objects.requireNonNull(idle, "idle");
        idle.ifPresent(time -> Check.duration("idle time", time, LEAST_IDLE, Limits.MAX_TIME));
    }

    private static void checkEnd(List<Program> programs, Set<PipeLink.End> ends, PipeLink.End end) {
        Check.that(
                end.program() < programs.size(),
                () ->
                        "a pipe names program %d, there are %d: count from 0"
                                .formatted(end.program(), programs.size()));
        Program program = programs.get(end.program());
        boolean taken =
                program.streams().containsKey(end.descriptor())
                        || (program.terminal().isPresent() && end.descriptor() <= 2)
                        || !ends.add(end);
        Check.that(
                !taken,
                () ->
                        "descriptor %d of program %d leads to two things: keep one"
                                .formatted(end.descriptor(), end.program()));
    }

    /** A single program. */
    public static Run of(String id, Program program) {
        return new Run(id, List.of(program), List.of(), Optional.empty());
    }
}
