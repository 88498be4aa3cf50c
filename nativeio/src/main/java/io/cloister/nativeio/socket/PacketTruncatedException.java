// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.socket;

import java.io.IOException;

/**
 * A packet was longer than the receiver's buffer, or some of its descriptors could not be taken,
 * which is so when this process has no room for more (RLIMIT_NOFILE). What came of it is lost.
 */
public final class PacketTruncatedException extends IOException {
    private static final long serialVersionUID = 1L;

    PacketTruncatedException(String message) {
        super(message);
    }
}
