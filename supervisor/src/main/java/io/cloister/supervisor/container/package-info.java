// SPDX-License-Identifier: Apache-2.0
/**
 * One container's actors: the router and the four that serve it, one for each direction of init's
 * socket, one for the run and one for the end.
 *
 * <p>Must not know what commands do (that is {@code supervisor.handler}) nor where containers come
 * from ({@code supervisor.pool}).
 */
@NullMarked
package io.cloister.supervisor.container;

import org.jspecify.annotations.NullMarked;
