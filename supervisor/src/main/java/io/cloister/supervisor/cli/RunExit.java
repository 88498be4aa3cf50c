// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Termination;

/** The exit codes of {@code run}: the program's own, else those of timeout(1) and the shells. */
final class RunExit {
    static final int TIME_LIMIT = 124;
    static final int CLOISTER_FAILED = 125;
    static final int NOT_EXECUTABLE = 126;
    static final int NOT_FOUND = 127;
    private static final int SIGNALLED = 128;

    private RunExit() {}

    static int codeOf(ExecveReply reply) {
        return switch (reply) {
            case Failure failure -> codeOf(failure);
            case ExecveResult result -> codeOf(result);
        };
    }

    private static int codeOf(ExecveResult result) {
        if (result.limit().isPresent()) {
            return switch (result.limit().get()) {
                case WALL_TIME, CPU_TIME -> TIME_LIMIT;
                default -> codeOf(result.termination());
            };
        }
        return codeOf(result.termination());
    }

    private static int codeOf(Termination termination) {
        return switch (termination) {
            case Termination.Exited(int code) -> code;
            case Termination.Signalled signalled -> SIGNALLED + signalled.signal();
        };
    }

    static int codeOf(Failure failure) {
        return switch (failure.kind()) {
            case NOT_FOUND -> NOT_FOUND;
            case NOT_EXECUTABLE, BAD_INTERPRETER -> NOT_EXECUTABLE;
            default -> CLOISTER_FAILED;
        };
    }
}
