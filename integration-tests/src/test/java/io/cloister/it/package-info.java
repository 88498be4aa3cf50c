// SPDX-License-Identifier: Apache-2.0
/**
 * What users of Cloister would notice, tried on the real kernel: real containers, asked through
 * actor messages. Must not know how a command is carried out.
 */
@NullMarked
package io.cloister.it;

import org.jspecify.annotations.NullMarked;
