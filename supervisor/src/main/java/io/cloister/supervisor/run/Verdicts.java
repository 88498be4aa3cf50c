// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.run;

import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Termination;
import java.util.Optional;

/** What is said of a run, from what is known of it. Nothing is guessed from a signal. */
final class Verdicts {
    private Verdicts() {}

    /** Why the worker ended a program itself. */
    enum Ended {
        /** It wrote more than may be collected. */
        OUTPUT,
        /** Its group waited for itself. */
        IDLE,
        /** Whoever submitted the run did not want it any more. */
        CANCELLED
    }

    /** A status and the limit that explains it. */
    record Verdict(Status status, Optional<Limit> limit) {
        Verdict(Status status) {
            this(status, Optional.empty());
        }

        Verdict(Status status, Limit limit) {
            this(status, Optional.of(limit));
        }
    }

    /**
     * Of a program that ran.
     *
     * @param ended why the worker asked for its end, whether or not it ended by itself before
     * @param overflow it wrote more than may be collected
     * @param fileFailure why a file that it should have left cannot be had
     */
    static Verdict of(
            ExecveResult result,
            Optional<Ended> ended,
            boolean overflow,
            Optional<Failure> fileFailure) {
        Optional<Limit> limit = result.limit();
        if (limit.equals(Optional.of(Limit.MEMORY))) {
            return new Verdict(Status.MEMORY_LIMIT, limit);
        }
        if (result.evidence().disallowedSyscall().isPresent()) {
            return new Verdict(Status.DISALLOWED_SYSCALL);
        }
        if (overflow) {
            return new Verdict(Status.OUTPUT_LIMIT, Limit.OUTPUT);
        }
        if (limit.equals(Optional.of(Limit.WALL_TIME))
                || limit.equals(Optional.of(Limit.CPU_TIME))) {
            return new Verdict(Status.TIME_LIMIT, limit);
        }
        if (limit.equals(Optional.of(Limit.FILE_SIZE))) {
            return new Verdict(Status.OUTPUT_LIMIT, limit);
        }
        if (ended.equals(Optional.of(Ended.IDLE))) { // perhaps by itself, as others were ended
            return new Verdict(Status.TIME_LIMIT, Limit.WALL_TIME);
        }
        if (result.killed()) {
            return new Verdict(Status.CANCELLED);
        }
        Status status =
                switch (result.termination()) {
                    case Termination.Exited(int code) ->
                            code == 0 ? Status.OK : Status.NONZERO_EXIT;
                    case Termination.Signalled signalled -> Status.SIGNALLED;
                };
        if (status == Status.OK && fileFailure.isPresent()) {
            boolean noRoom = fileFailure.get().kind() == Failure.Kind.BUSY; // the worker's own
            return new Verdict(noRoom ? Status.INTERNAL_ERROR : Status.FILE_ERROR, limit);
        }
        return new Verdict(status, limit);
    }

    /** Of a program that did not run. */
    static Status of(Failure failure) {
        return switch (failure.kind()) {
            case NOT_FOUND, NOT_EXECUTABLE, BAD_INTERPRETER, TOO_LARGE, NOT_A_REGULAR_FILE ->
                    Status.FILE_ERROR;
            default -> Status.INTERNAL_ERROR;
        };
    }
}
