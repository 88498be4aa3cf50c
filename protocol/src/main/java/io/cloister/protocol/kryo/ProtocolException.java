// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Bytes that are no message of this protocol, or a value that cannot become one. */
public final class ProtocolException extends IOException {
    private static final long serialVersionUID = 1L;

    ProtocolException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
