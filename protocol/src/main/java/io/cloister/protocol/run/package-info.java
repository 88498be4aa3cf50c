// SPDX-License-Identifier: Apache-2.0

/**
 * What is asked of a run and what came of it: limits, termination, usage, status.
 *
 * <p>Values only. Must not know how limits are set or measured, nor Akka, nor the native layer.
 */
@NullMarked
package io.cloister.protocol.run;

import org.jspecify.annotations.NullMarked;
