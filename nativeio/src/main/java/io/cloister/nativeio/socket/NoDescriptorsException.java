// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.socket;

import io.cloister.nativeio.libc.Errno;
import java.io.IOException;

/**
 * A connection waits that cannot be accepted for want of descriptors or memory: EMFILE, ENFILE,
 * ENOBUFS or ENOMEM of accept(2). It goes on waiting, so whoever waits for readiness should pause.
 */
public final class NoDescriptorsException extends IOException {
    private static final long serialVersionUID = 1L;

    NoDescriptorsException(String what, Errno errno) {
        super("accept4 " + what + ": " + errno + "; raise LimitNOFILE=, or admit fewer clients");
    }
}
