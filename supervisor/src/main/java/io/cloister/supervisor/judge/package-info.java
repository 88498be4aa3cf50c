// SPDX-License-Identifier: Apache-2.0
/**
 * Judging a submission: compile it, run it on test cases, compare what it prints.
 *
 * <p>An example of what a judge does with containers, used by the demo. Must not know the command
 * line, nor how containers work inside.
 */
@NullMarked
package io.cloister.supervisor.judge;

import org.jspecify.annotations.NullMarked;
