// SPDX-License-Identifier: Apache-2.0

/** What the kernel has of Landlock (landlock(7)). Must not know who is confined by it. */
@NullMarked
package io.cloister.nativeio.landlock;

import org.jspecify.annotations.NullMarked;
