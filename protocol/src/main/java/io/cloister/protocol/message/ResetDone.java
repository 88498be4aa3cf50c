// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.container.ContainerConfig;

/**
 * The container is as new, and shown to be.
 *
 * @param remounted how many file systems had been used and were made afresh
 */
public record ResetDone(int remounted) implements ResetReply {
    public ResetDone {
        Check.range("number of remounted file systems", remounted, 0, ContainerConfig.MAX_MOUNTS);
    }
}
