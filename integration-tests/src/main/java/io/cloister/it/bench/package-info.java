// SPDX-License-Identifier: Apache-2.0
/**
 * The benchmarks: Cloister, through the actor messages that a user sends, against C programs that
 * do the same by hand, alternating in one loop. They say what was measured; what is good enough is
 * said once, in {@link io.cloister.it.bench.Bars}.
 *
 * <p>Must not reach around the messages: what is measured is what a user gets. Only the memory of
 * the processes is read from outside.
 */
@NullMarked
package io.cloister.it.bench;

import org.jspecify.annotations.NullMarked;
