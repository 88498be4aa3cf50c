// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.check.InvalidRequest;

/**
 * One resource limit, in the kernel's unit for it ({@link Resource#unit}); see setrlimit(2).
 *
 * @param soft what the kernel enforces: 0 or more, or {@link #INFINITY}
 * @param hard how far the program may raise the soft limit; not below it
 */
public record Rlimit(Resource resource, long soft, long hard) {
    /** RLIM_INFINITY of {@code <sys/resource.h>}: all bits set. */
    public static final long INFINITY = -1;

    public Rlimit {
        Check.range("soft " + resource, soft, INFINITY, Long.MAX_VALUE);
        Check.range("hard " + resource, hard, INFINITY, Long.MAX_VALUE);
        // Unsigned, so that infinity is the largest, as in the kernel.
        if (Long.compareUnsigned(soft, hard) > 0) {
            throw new InvalidRequest(
                    "soft %s is above the hard one: lower it or raise the other"
                            .formatted(resource));
        }
    }

    /** Soft and hard limit alike. */
    public static Rlimit of(Resource resource, long limit) {
        return new Rlimit(resource, limit, limit);
    }
}
