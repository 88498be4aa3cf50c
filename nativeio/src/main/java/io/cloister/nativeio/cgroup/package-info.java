// SPDX-License-Identifier: Apache-2.0
/**
 * Control groups: cgroups(7), Documentation/admin-guide/cgroup-v2.rst and cgroup-v1 of the kernel.
 * Where the worker may make them is found once; version 1 and version 2 are behind the same
 * interfaces, and nobody else asks which it is.
 *
 * <p>Must not know what a limit is for, nor what follows when it is reached.
 */
@NullMarked
package io.cloister.nativeio.cgroup;

import org.jspecify.annotations.NullMarked;
