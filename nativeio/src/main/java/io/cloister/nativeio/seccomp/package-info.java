// SPDX-License-Identifier: Apache-2.0
/**
 * System call filters: a policy is a value, the compiler turns it into classic BPF for {@code
 * seccomp(2)}.
 *
 * <p>A {@link io.cloister.nativeio.seccomp.SeccompPolicy} becomes a graph of 32-bit tests, the
 * numbers a range tree in front of it, and both together one array of {@code struct sock_filter} in
 * a {@link io.cloister.nativeio.seccomp.SeccompFilter}.
 *
 * <p>This package must not know processes, descriptors, programs or messages: it makes bytes and
 * never installs them. It holds no system call number and no kernel constant of its own; both come
 * from {@code io.cloister.nativeio.libc}, which has them from the kernel's headers.
 */
@NullMarked
package io.cloister.nativeio.seccomp;

import org.jspecify.annotations.NullMarked;
