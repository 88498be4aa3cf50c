// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.socket;

import java.util.Set;

/**
 * Who is at the other end, as the kernel noted it when the connection was made: SO_PEERCRED and
 * SO_PEERGROUPS, unix(7). Ids are as this process's user namespace has them; one without an id here
 * is the overflow id, 65534 as a rule, which therefore proves nothing.
 *
 * @param pid for the log alone: the process may have ended, passed its end on, or be out of sight
 *     (0)
 * @param uid effective; negative above 2^31
 * @param gid effective
 * @param supplementaryGids those besides
 */
public record PeerCredentials(int pid, int uid, int gid, Set<Integer> supplementaryGids) {
    public PeerCredentials {
        supplementaryGids = Set.copyOf(supplementaryGids);
    }

    /** Whether the peer was in a group, in whichever way. */
    public boolean isIn(int group) {
        return gid == group || supplementaryGids.contains(group);
    }
}
