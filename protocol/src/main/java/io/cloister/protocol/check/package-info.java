// SPDX-License-Identifier: Apache-2.0

/**
 * How values refuse bad input: one exception and the checks that every record shares.
 *
 * <p>Knows no value of the protocol; every other package of the protocol may use it.
 */
@NullMarked
package io.cloister.protocol.check;

import org.jspecify.annotations.NullMarked;
