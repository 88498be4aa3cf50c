// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.program.BadReplyException;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.SyscallFailure;
import io.cloister.nativeio.program.SyscallProgram;
import java.util.Optional;
import java.util.function.Function;

/**
 * What a command does next: run a program and look at its result, or answer. Whoever drives it runs
 * one program at a time.
 *
 * @param <R> the kind of the command's reply
 */
public sealed interface Exchange<R> {

    /**
     * Run this program; its descriptors are sent along and stay their owner's.
     *
     * @param then what its result leads to; takes over the result's descriptors
     */
    record Run<R>(SyscallProgram program, Then<R> then) implements Exchange<R> {}

    /**
     * Run this program; what follows depends on whether it came to its end.
     *
     * @param failed what the failure that ended it leads to
     * @param then what its result leads to otherwise
     */
    static <R> Exchange<R> run(
            SyscallProgram program, Function<SyscallFailure, Exchange<R>> failed, Then<R> then) {
        return new Run<>(
                program,
                result -> {
                    Optional<SyscallFailure> failure = result.failure(program);
                    return failure.isPresent() ? failed.apply(failure.get()) : then.apply(result);
                });
    }

    /** Answer; the container is as its state says. */
    record Done<R>(R reply) implements Exchange<R> {}

    /**
     * Answer, and destroy the container: what state it is in is not known for certain.
     *
     * @param reason for the log and for whoever watches
     */
    record Doomed<R>(R reply, String reason) implements Exchange<R> {}

    /** What a program's result leads to. */
    @FunctionalInterface
    interface Then<R> {
        /**
         * @throws BadReplyException when the result cannot be init's: the container is doomed
         */
        Exchange<R> apply(ProgramResult result) throws BadReplyException;
    }
}
