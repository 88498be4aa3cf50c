// SPDX-License-Identifier: Apache-2.0
/**
 * The C library and the kernel's numbers as they are: C names, no policy.
 *
 * <p>Constants, struct layouts and system call numbers come from the kernel's headers at build time
 * ({@code src/main/c/build.sh}); none is typed in Java. This package must not know of syscall
 * programs, containers or descriptors that somebody owns.
 */
@NullMarked
package io.cloister.nativeio.libc;

import org.jspecify.annotations.NullMarked;
