// SPDX-License-Identifier: Apache-2.0
/**
 * What Cloister needs of a machine: each thing probed by doing it, with its remedy when it fails.
 *
 * <p>The command and the tests ask the same probes. Must not know how the findings are shown, nor
 * the actors.
 */
@NullMarked
package io.cloister.supervisor.doctor;

import org.jspecify.annotations.NullMarked;
