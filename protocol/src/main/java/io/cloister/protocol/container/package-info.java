// SPDX-License-Identifier: Apache-2.0

/**
 * What a container is made of: its mounts, links, masks, names and default environment.
 *
 * <p>Values only. They describe the container from the inside; which directories of the host a
 * worker shares with its containers is decided by the supervisor. Must not know how any of it is
 * mounted, nor Akka, nor the native layer.
 */
@NullMarked
package io.cloister.protocol.container;

import org.jspecify.annotations.NullMarked;
