// SPDX-License-Identifier: Apache-2.0
/**
 * The command line: options in, tables and JSON out, exit codes.
 *
 * <p>Must not know how containers work: it starts a worker and sends it messages, as any user of
 * Cloister would.
 */
@NullMarked
package io.cloister.supervisor.cli;

import org.jspecify.annotations.NullMarked;
