// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.observe;

/** How the cluster's queue answers a run. */
public enum Ending {
    RESULT,
    EXPIRED,
    CANCELLED,
    QUARANTINED,
    OVERLOADED,
    REFUSED
}
