// SPDX-License-Identifier: Apache-2.0

/**
 * The seven commands of a container, their replies and their failures.
 *
 * <p>A request that exists is a good one: the constructors refuse what could harm a container or
 * put the conversation with it out of step. Local descriptors never appear here, only the numbers
 * under which a program will see them. Must not know actors, sockets, system calls or Kryo.
 */
@NullMarked
package io.cloister.protocol.message;

import org.jspecify.annotations.NullMarked;
