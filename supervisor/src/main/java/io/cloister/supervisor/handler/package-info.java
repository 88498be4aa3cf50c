// SPDX-License-Identifier: Apache-2.0
/**
 * One handler per command: pure functions from a request to syscall programs, and from their
 * results to a reply. They read as what the container does, and are tested by reading the programs.
 *
 * <p>Must not know of actors, sockets or time.
 */
@NullMarked
package io.cloister.supervisor.handler;

import org.jspecify.annotations.NullMarked;
