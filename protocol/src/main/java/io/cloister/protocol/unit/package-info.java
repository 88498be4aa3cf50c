// SPDX-License-Identifier: Apache-2.0

/**
 * Units in types: a number never travels without saying what it counts.
 *
 * <p>Knows nothing of containers, runs or messages.
 */
@NullMarked
package io.cloister.protocol.unit;

import org.jspecify.annotations.NullMarked;
