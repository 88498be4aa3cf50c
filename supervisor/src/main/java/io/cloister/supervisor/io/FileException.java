// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import io.cloister.protocol.message.Failure;

/**
 * A file of a run cannot be had or kept, and not because the worker is in trouble, which is an
 * {@link java.io.IOException}: the failure says why and what to do.
 */
public final class FileException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient Failure failure;

    public FileException(Failure failure) {
        super(failure.describe());
        this.failure = failure;
    }

    public FileException(Failure.Kind kind, String subject, String message) {
        this(Failure.of(kind, subject, message));
    }

    public Failure failure() {
        return failure;
    }
}
