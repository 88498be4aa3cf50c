// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.landlock;

import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;

/**
 * How much of Landlock there is, and whether it is wanted.
 *
 * @param abi the version of its interface that is used: 0 for none
 */
public record Landlock(int abi) {
    /** Since Linux 5.19: before, no ruleset could allow renaming into another directory. */
    private static final int LEAST = 2;

    /** Since Linux 6.12: signals and abstract sockets. */
    private static final int SCOPES = 6;

    public Landlock {
        if (abi < 0) {
            throw new IllegalArgumentException("versions count from 0, not from " + abi);
        }
    }

    /** Not to be used. */
    public static Landlock none() {
        return new Landlock(0);
    }

    /** What the running kernel has; none where it is switched off (landlock_create_ruleset(2)). */
    public static Landlock detect() {
        long abi =
                LibC.syscall(
                        Sys.LANDLOCK_CREATE_RULESET.number(),
                        0,
                        0,
                        Linux.LANDLOCK_CREATE_RULESET_VERSION,
                        0);
        return new Landlock((int) Math.max(0, abi));
    }

    /** Whether a program can be confined without losing what ordinary programs do. */
    public boolean isUsable() {
        return abi >= LEAST;
    }

    /** Whether signals and abstract sockets can be kept inside. */
    public boolean hasScopes() {
        return abi >= SCOPES;
    }
}
