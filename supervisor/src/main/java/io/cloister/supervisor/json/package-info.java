// SPDX-License-Identifier: Apache-2.0
/**
 * Runs and their results as JSON, field by field as docs/run-format.md says.
 *
 * <p>A request comes from anybody: what is unknown, doubled, too long or of a wrong type is refused
 * with the place where it stands. Must not know actors, containers or the command line.
 */
@NullMarked
package io.cloister.supervisor.json;

import org.jspecify.annotations.NullMarked;
