// SPDX-License-Identifier: Apache-2.0
/**
 * A sample judge worker: judges packages in the problem package format of Kattis and the ICPC, as a
 * judge's author might begin. Reading a package, compiling, running on test cases, validating and
 * reporting are a class or two each; docs/judging.md says what of the format is supported.
 *
 * <p>Knows of Cloister nothing but runs and their results: {@link io.cloister.it.judge.RunSender}
 * is the one place behind which a worker or a cluster stands. Must not parse, follow or wait for
 * anything that a submission can write without a bound.
 */
@NullMarked
package io.cloister.it.judge;

import org.jspecify.annotations.NullMarked;
