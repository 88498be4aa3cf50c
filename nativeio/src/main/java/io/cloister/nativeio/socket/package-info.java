// SPDX-License-Identifier: Apache-2.0
/**
 * Unix sockets of packets with descriptors beside them: one that is connected, one that listens,
 * and whom the kernel says is at the other end.
 *
 * <p>Must not know what the packets mean, nor whom to admit.
 */
@NullMarked
package io.cloister.nativeio.socket;

import org.jspecify.annotations.NullMarked;
