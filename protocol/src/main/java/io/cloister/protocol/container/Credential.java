// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.container;

import io.cloister.protocol.check.Check;

/**
 * The user and group a program runs as, in ids of its container.
 *
 * <p>1 to 65535 each: 0 is the container's root, which owns init and is never given to a program.
 */
public record Credential(int uid, int gid) {
    public Credential {
        Check.range("uid of a program", uid, 1, Check.MAX_CONTAINER_ID);
        Check.range("gid of a program", gid, 1, Check.MAX_CONTAINER_ID);
    }
}
