// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.run.Enforced;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.run.Usage;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The program has ended and nothing of it is left.
 *
 * @param wallTime from the program's start, just before its execve(2), to its end
 * @param setUpTime from the command's arrival at init to the program's start
 * @param limit the limit that ended it; absent when none did
 * @param killed its caller asked for its end, and it had not ended by itself before
 * @param enforced the limits that were in force
 * @param evidence what the above rests on
 */
public record ExecveResult(
        Termination termination,
        Usage usage,
        Duration wallTime,
        Duration setUpTime,
        Optional<Limit> limit,
        boolean killed,
        List<Enforced> enforced,
        Evidence evidence)
        implements ExecveReply {
    public ExecveResult {
        Objects.requireNonNull(termination, "termination");
        Objects.requireNonNull(usage, "usage");
        Check.measured("wall time", wallTime);
        Check.measured("set-up time", setUpTime);
        Objects.requireNonNull(limit, "limit");
        enforced = Check.list("enforced limits", enforced, Enforced.MAX);
        Objects.requireNonNull(evidence, "evidence");
    }
}
