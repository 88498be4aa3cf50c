// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.socket;

import io.cloister.nativeio.fd.Fd;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * What one call received.
 *
 * @param bytes the receiver's buffer, from 0 to its limit
 * @param descriptors what came beside them, close-on-exec, the receiver's to close
 */
public record Packet(ByteBuffer bytes, List<Fd> descriptors) {}
