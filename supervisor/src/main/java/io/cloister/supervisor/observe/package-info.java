// SPDX-License-Identifier: Apache-2.0
/**
 * What a node tells those who operate it: the ids in its log lines, events for the JDK's flight
 * recorder, and meters. docs/observability.md lists them all.
 *
 * <p>Others tell this package what happens; it must not know who they are. Only {@link
 * io.cloister.supervisor.observe.CloisterMeters} knows Micrometer, which need not be there.
 */
@NullMarked
package io.cloister.supervisor.observe;

import org.jspecify.annotations.NullMarked;
