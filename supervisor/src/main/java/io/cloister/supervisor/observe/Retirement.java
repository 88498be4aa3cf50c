// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.observe;

/** Why a container came to its end. */
public enum Retirement {
    /** It has had as many holders as the settings allow. */
    USED,
    /** It is as old as the settings allow. */
    AGED,
    /** It was one of a configuration of its own, and was given back. */
    RELEASED,
    /** It made room for one of another configuration. */
    EVICTED,
    /** It could not be configured, or put into its control groups. */
    NOT_STARTED,
    /** Its reset failed, or could not be proven. */
    NOT_CLEAN,
    /** Its holder ended without giving it back. */
    ABANDONED,
    /** It died, or was destroyed since its state was in doubt. */
    LOST,
    /** The worker shuts down. */
    SHUTDOWN
}
