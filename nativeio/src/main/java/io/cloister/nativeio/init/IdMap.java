// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

/**
 * Which ids of the host a container's ids are: user_namespaces(7).
 *
 * @param hostUid the host's uid that is the container's 0
 * @param hostGid the host's gid that is the container's 0
 * @param size how many ids follow on from there, 1..65536
 */
public record IdMap(int hostUid, int hostGid, int size) {
    /** The ids of a container of its own range: all that files and programs commonly use. */
    public static final int RANGE = 65536;

    public IdMap {
        if (size < 1 || size > RANGE || hostUid < 0 || hostGid < 0) {
            throw new IllegalArgumentException(
                    "id map of %d from uid %d, gid %d".formatted(size, hostUid, hostGid));
        }
        if (size > 1 && (hostUid < RANGE || hostGid < RANGE)) {
            throw new IllegalArgumentException(
                    "a container's ids must start at %d or above, not at %d: they would be the host's own"
                            .formatted(RANGE, Math.min(hostUid, hostGid)));
        }
    }

    /** A private range, for a worker that runs as root. */
    public static IdMap range(int start) {
        return new IdMap(start, start, RANGE);
    }

    /** The worker's own id alone, all that an ordinary user may map. */
    public static IdMap single(int uid, int gid) {
        return new IdMap(uid, gid, 1);
    }

    /** Whether there is only container root: programs must run as it. */
    public boolean isSingle() {
        return size == 1;
    }
}
