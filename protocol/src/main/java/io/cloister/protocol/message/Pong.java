// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.check.Check;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * The container is alive.
 *
 * @param executingFor how long the present program has been running; there when and only when the
 *     state is {@code EXECUTING}
 */
public record Pong(ContainerState state, Optional<Duration> executingFor) implements PingReply {
    private static final Duration MAX_AGE = Duration.ofDays(36_500);

    public Pong {
        Objects.requireNonNull(state, "state");
        Check.that(
                executingFor.isPresent() == (state == ContainerState.EXECUTING),
                "the age of a run belongs to the state EXECUTING, and only to it");
        executingFor.ifPresent(age -> Check.duration("age of a run", age, Duration.ZERO, MAX_AGE));
    }

    /** In any state but {@code EXECUTING}. */
    public static Pong of(ContainerState state) {
        return new Pong(state, Optional.empty());
    }

    public static Pong executing(Duration age) {
        return new Pong(ContainerState.EXECUTING, Optional.of(age));
    }
}
