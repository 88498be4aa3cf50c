// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Termination;

/** The exit codes of {@code run}: the program's own, else those of timeout(1) and the shells. */
final class RunExit {
    static final int BAD_LINES = 1;
    static final int TIME_LIMIT = 124;
    static final int CLOISTER_FAILED = 125;
    static final int NOT_EXECUTABLE = 126;
    static final int NOT_FOUND = 127;

    /** As shells report the ends by SIGKILL, SIGXFSZ and SIGSYS. */
    static final int MEMORY_LIMIT = 137;

    static final int OUTPUT_LIMIT = 153;
    static final int DISALLOWED_SYSCALL = 159;
    private static final int SIGNALLED = 128;

    private RunExit() {}

    static int codeOf(ProgramOutcome outcome) {
        return switch (outcome.status()) {
            case OK, NONZERO_EXIT, SIGNALLED ->
                    outcome.termination().map(RunExit::codeOf).orElse(CLOISTER_FAILED);
            case TIME_LIMIT -> TIME_LIMIT;
            case MEMORY_LIMIT -> MEMORY_LIMIT;
            case OUTPUT_LIMIT -> OUTPUT_LIMIT;
            case DISALLOWED_SYSCALL -> DISALLOWED_SYSCALL;
            case CANCELLED -> Main.INTERRUPTED;
            case INTERNAL_ERROR -> CLOISTER_FAILED;
            // of a program that did not run it is the executable; else a file to copy out
            case FILE_ERROR ->
                    outcome.failure()
                            .filter(failure -> outcome.termination().isEmpty())
                            .map(RunExit::codeOf)
                            .orElse(CLOISTER_FAILED);
        };
    }

    private static int codeOf(Termination termination) {
        return switch (termination) {
            case Termination.Exited(int code) -> code;
            case Termination.Signalled signalled -> SIGNALLED + signalled.signal();
        };
    }

    private static int codeOf(Failure failure) {
        return switch (failure.kind()) {
            case NOT_FOUND -> NOT_FOUND;
            case NOT_EXECUTABLE, BAD_INTERPRETER -> NOT_EXECUTABLE;
            default -> CLOISTER_FAILED;
        };
    }
}
