// SPDX-License-Identifier: Apache-2.0
/**
 * Using containers from ordinary blocking code: a session on one leased container, and files that
 * collect a program's output within bounds.
 *
 * <p>Everything goes through the actors' messages. Must not know what programs are for, nor the
 * command line.
 */
@NullMarked
package io.cloister.supervisor.run;

import org.jspecify.annotations.NullMarked;
