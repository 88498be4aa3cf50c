// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

/** Which kind of control groups there is: cgroups(7). */
public enum CgroupVersion {
    /** One hierarchy with all controllers. */
    V2,
    /** A hierarchy for each controller or pair of them. */
    V1,
    /** None that this worker may use. */
    NONE
}
