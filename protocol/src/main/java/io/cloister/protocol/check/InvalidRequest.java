// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.check;

/**
 * A value was refused by its constructor.
 *
 * <p>The message says what was refused, the bound and what to do instead. Whoever takes values from
 * outside turns it into a failure of kind {@code INVALID_REQUEST}.
 */
public final class InvalidRequest extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    public InvalidRequest(String message) {
        super(message);
    }
}
