// SPDX-License-Identifier: Apache-2.0
/**
 * Descriptors that somebody owns: closed once, by their owner, and missed when they are not.
 *
 * <p>Must not know of syscall programs or containers.
 */
@NullMarked
package io.cloister.nativeio.fd;

import org.jspecify.annotations.NullMarked;
