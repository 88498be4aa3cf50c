// SPDX-License-Identifier: Apache-2.0
/**
 * The processes that run syscall programs, and the channel to them: one zygote per worker, one init
 * per container.
 *
 * <p>Must not know what a program is for: mounts, runs and files are the supervisor's business.
 */
@NullMarked
package io.cloister.nativeio.init;

import org.jspecify.annotations.NullMarked;
