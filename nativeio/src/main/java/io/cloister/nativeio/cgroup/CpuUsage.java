// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import io.cloister.nativeio.fd.Fd;

/**
 * Where the CPU time of a group is read, by someone who cannot read text files: pread(2) from
 * offset 0 gives optional characters that are no digits, then a decimal. It only ever grows.
 *
 * @param file the group's own; not for closing
 * @param nanosPerUnit what one of the decimal's units is
 */
public record CpuUsage(Fd file, long nanosPerUnit) {}
