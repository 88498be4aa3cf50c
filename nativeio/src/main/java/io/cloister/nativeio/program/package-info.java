// SPDX-License-Identifier: Apache-2.0
/**
 * Syscall programs: messages of system calls that init runs, and what comes back.
 *
 * <p>Building a program is pure; running it is the business of {@code nativeio.init}. Nothing here
 * knows what a program is for. docs/protocol.md describes the frames.
 */
@NullMarked
package io.cloister.nativeio.program;

import org.jspecify.annotations.NullMarked;
