// SPDX-License-Identifier: Apache-2.0

/**
 * How the values cross the cluster: the one list of classes with their ids, and bounded reading.
 *
 * <p>Knows every value of the protocol; none of them knows this package. Must not know Akka: the
 * supervisor wraps this in its serializer.
 */
@NullMarked
package io.cloister.protocol.kryo;

import org.jspecify.annotations.NullMarked;
