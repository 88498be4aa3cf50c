// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.unit.ByteSize;
import java.util.Objects;
import java.util.Optional;

/**
 * A pipe from one program of a run to another, or to itself.
 *
 * @param from the end that is written to
 * @param to the end that is read from
 * @param relay absent for a direct pipe, which the worker has no part in
 */
public record PipeLink(End from, End to, Optional<Relay> relay) {
    /**
     * A descriptor of a program.
     *
     * @param program its index in {@link Run#programs}
     */
    public record End(int program, int descriptor) {
        public End {
            Check.range("index of a program", program, 0, Run.MAX_PROGRAMS - 1L);
            Check.range("descriptor number", descriptor, 0, Execve.MAX_DESCRIPTOR_NUMBER);
        }
    }

    /**
     * What passes goes through the worker.
     *
     * @param max bytes that may pass; one more ends the writing program with {@link
     *     Status#OUTPUT_LIMIT}
     * @param transcript the result tells what passed
     */
    public record Relay(ByteSize max, boolean transcript) {
        public Relay {
            Check.range("bytes that may pass", max.bytes(), 0, Stream.MAX_COLLECTED.bytes());
        }
    }

    public PipeLink {
        Objects.requireNonNull(from, "from");
        Objects.requireNonNull(to, "to");
        Objects.requireNonNull(relay, "relay");
        Check.that(!from.equals(to), "a pipe has one end twice: name two descriptors");
    }

    /** A direct pipe. */
    public static PipeLink direct(int from, int fromDescriptor, int to, int toDescriptor) {
        return new PipeLink(
                new End(from, fromDescriptor), new End(to, toDescriptor), Optional.empty());
    }
}
