// SPDX-License-Identifier: Apache-2.0
/**
 * Looks for bytes that do harm to those who read them, guided by the branches that they make the
 * code take: {@code ./cloister fuzz}.
 *
 * <p>Only the command knows the fuzzer, by name. The targets are plain methods, and what the fuzzer
 * has found to be of interest is tried by an ordinary test.
 */
@NullMarked
package io.cloister.it.fuzz;

import org.jspecify.annotations.NullMarked;
