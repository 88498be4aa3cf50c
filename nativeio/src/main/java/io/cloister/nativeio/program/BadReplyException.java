// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.program;

import java.io.IOException;

/** Init answered something that it never would: it must not be trusted any longer. */
public final class BadReplyException extends IOException {
    private static final long serialVersionUID = 1L;

    public BadReplyException(String what) {
        super("bad reply from init: " + what);
    }
}
