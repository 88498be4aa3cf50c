// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.run;

import io.cloister.protocol.message.Failure;

/** A container did not do what it was asked; the failure says why and what to do. */
public final class ContainerException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient Failure failure;

    public ContainerException(Failure failure) {
        super(failure.describe());
        this.failure = failure;
    }

    public Failure failure() {
        return failure;
    }
}
