// SPDX-License-Identifier: Apache-2.0
/**
 * The worker's containers: creating them, keeping them warm, leasing them out, retiring them.
 *
 * <p>Must not know what is done in them.
 */
@NullMarked
package io.cloister.supervisor.pool;

import org.jspecify.annotations.NullMarked;
