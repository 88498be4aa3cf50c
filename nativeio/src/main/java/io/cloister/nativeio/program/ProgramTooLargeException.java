// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.program;

/** A request does not fit into one message to init. */
public final class ProgramTooLargeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ProgramTooLargeException(String what, long size, long limit) {
        super(what + ": " + size + " do not fit into a message, the limit is " + limit);
    }
}
