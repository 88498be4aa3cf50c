// SPDX-License-Identifier: Apache-2.0
/**
 * What a judge worker's application configures: settings and the standard container of this host.
 *
 * <p>Must not know of single commands or programs.
 */
@NullMarked
package io.cloister.supervisor;

import org.jspecify.annotations.NullMarked;
